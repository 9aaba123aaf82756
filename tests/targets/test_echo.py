"""The embedded echo target: what it does to messages, and the truth that it writes."""

import csv
import itertools
import os
import signal
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import surgewire
from surgewire.plan.models import EchoPlan
from tests.integration.runs import check
from tests.integration.target import serving, start, url_of

MS = 1_000_000
USERS = 6

Truth = list[dict[str, int]]


def read(path: Path) -> Truth:
    with path.open(newline="") as lines:
        return [{name: int(value) for name, value in row.items()} for row in csv.DictReader(lines)]


@pytest.fixture
def echo(tmp_path: Path) -> Callable[..., tuple[surgewire.Result, Truth]]:
    """Give what runs against a target with options and returns the result and the truth."""

    def run(*options: str, **values: object) -> tuple[surgewire.Result, Truth]:
        truth = tmp_path / "truth"
        given = {"connections": USERS, "rate": "50/s", "duration": "400ms", "processes": 2}
        with serving("--truth", str(truth), *options) as url:
            plan = EchoPlan(url=url, **(given | values))
            result = surgewire.run(plan, runs_dir=tmp_path / "runs")
        check(result)
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["truth"]
        return result, read(truth)

    return run


Echo = Callable[..., tuple[surgewire.Result, Truth]]


@pytest.mark.parametrize("processes", ["1", "2", "3"])
def test_the_truth_tells_of_every_message(processes: str, echo: Echo) -> None:
    result, truth = echo("--processes", processes, warmup="100ms")
    delivery = result.delivery
    assert delivery.delivered == delivery.sent == 20 * USERS
    counted = [row for row in truth if row["sequence"]]
    assert len(counted) == delivery.sent
    assert len(truth) - len(counted) == delivery.warmup_sent == 5 * USERS
    assert Counter(row["room"] for row in counted) == dict.fromkeys(range(USERS), 20)
    for user in range(USERS):
        rows = [row for row in counted if row["room"] == user]
        assert sorted(row["sequence"] for row in rows) == list(range(1, 21))
        assert {row["worker"] for row in rows} == {user % 2}
    assert len({row["run"] for row in truth}) == 1
    for row in truth:
        assert row["planned_ns"] < row["received_ns"] == row["release_ns"] < row["sent_ns"]


def test_a_fixed_delay(echo: Echo) -> None:
    result, truth = echo("--delay", "30ms")
    assert {row["release_ns"] - row["received_ns"] for row in truth} == {30 * MS}
    assert all(row["sent_ns"] >= row["release_ns"] for row in truth)
    assert result.metrics["message_latency"].min >= 30
    assert result.delivery.reordered == 0


def test_a_fixed_delay_keeps_the_order_of_messages_that_come_together() -> None:
    with serving("--delay", "20ms") as url, connect(url) as client:
        for number in range(50):
            client.send(str(number))
        assert [client.recv(timeout=10) for _ in range(50)] == [str(n) for n in range(50)]


def test_delays_by_chance(echo: Echo) -> None:
    result, truth = echo("--delay-distribution", "mix:1ms@3,20ms@1", rate="200/s")
    delays = Counter(row["release_ns"] - row["received_ns"] for row in truth)
    assert set(delays) == {1 * MS, 20 * MS}
    assert 0.6 < delays[1 * MS] / len(truth) < 0.9
    # A message that waits is overtaken by those behind it: what the account calls reordered came
    # after a later one.
    late = 0
    for user in range(USERS):
        rows = sorted(
            (row for row in truth if row["room"] == user and row["sequence"]),
            key=lambda row: row["sent_ns"],
        )
        highest = 0
        for row in rows:
            late += row["sequence"] < highest
            highest = max(highest, row["sequence"])
    assert result.delivery.reordered == late > 0


def test_exponential_delays(echo: Echo) -> None:
    _, truth = echo("--delay-distribution", "exponential:5ms", rate="200/s")
    delays_ms = [(row["release_ns"] - row["received_ns"]) / MS for row in truth]
    assert 3.5 < sum(delays_ms) / len(delays_ms) < 6.5
    assert min(delays_ms) < 1
    assert max(delays_ms) > 10


def test_the_same_seed_gives_the_same_delays(echo: Echo) -> None:
    options = ("--delay-distribution", "exponential:2ms", "--seed", "7")
    draws = []
    for _ in range(2):
        _, truth = echo(*options, connections=1, processes=1)
        draws.append([row["release_ns"] - row["received_ns"] for row in truth])
    assert sorted(draws[0]) == sorted(draws[1])


def test_stalls(echo: Echo) -> None:
    result, truth = echo("--stall", "150ms/400ms", duration="900ms", processes=1)
    assert result.delivery.delivered == result.delivery.sent
    # Messages of a stall wait for its end: nothing is received for 150 ms, twice or more.
    received = sorted(row["received_ns"] for row in truth)
    gaps = [(b - a) / MS for a, b in itertools.pairwise(received)]
    assert sum(gap > 120 for gap in gaps) >= 2
    assert result.metrics["message_latency"].max >= 120


def test_messages_that_wait_end_with_their_connection() -> None:
    with serving("--delay", "10s") as url, connect(url) as client:
        for _ in range(3000):
            client.send("wait")
    # Serving ends in good order with what it held.


def test_binary_and_large_messages_come_back() -> None:
    payload = os.urandom(3_000_000)
    with serving() as url, connect(url, max_size=None, compression=None) as client:
        client.send(payload)
        assert client.recv() == payload
        client.send("")
        assert client.recv() == ""


def test_what_is_no_websocket_gets_an_answer(tmp_path: Path) -> None:
    with serving() as url:
        request = urllib.request.Request(url.replace("ws://", "http://"))
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        assert refusal.value.code in (400, 426)
        refusal.value.close()


def test_a_peer_that_breaks_the_rules_is_told() -> None:
    with serving() as url, connect(url) as client:
        client.socket.sendall(b"\x81\x00")
        with pytest.raises(ConnectionClosed) as end:
            client.recv(timeout=10)
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1002


def test_truth_of_a_killed_target_is_not_taken_for_whole(tmp_path: Path) -> None:
    truth = tmp_path / "truth"
    server = start("--processes", "2", "--truth", str(truth))
    url_of(server)
    server.send_signal(signal.SIGKILL)
    server.communicate()
    # The parts are there to be seen; the whole holds its header alone.
    assert len(truth.read_text().splitlines()) == 1


@pytest.mark.parametrize("processes", ["1", "2"])
def test_truth_that_cannot_be_written(processes: str, tmp_path: Path) -> None:
    server = start("--processes", processes, "--truth", str(tmp_path))
    out, err = server.communicate(timeout=20)
    assert server.returncode == 2
    assert "--truth" in err
    assert err.count("\n") == 1
    assert out == ""
