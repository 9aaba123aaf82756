"""Awkward clients, as the server sees them, and the account of what they hear."""

import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trustme

from surgewire.engine.behaviours import behaviours_of
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan, Plan
from tests.integration.runs import Runner
from tests.integration.target import start, url_of
from tests.integration.watching_server import watching

Seen = list[dict[str, Any]]

# One user of a hundred each, but where a behaviour has varieties.
BEHAVE = (
    "slow-reader:2%@60/s,pausing-reader:2%@600ms,small-buffer:2%@2k,slow-upgrade:2%@400/s,"
    "fragmented:2%@20,broken-frames:10%@200ms,broken-masks:2%@200ms,ping-flood:2%@200/s,"
    "vanish:2%@200ms,silent:2%@200ms"
)
CONNECTIONS = 50


def by_behaviour(plan: Plan, seen: dict[int, dict[str, Any]]) -> dict[str, Seen]:
    """Sort what the server saw by how the users were to behave; "" for those who behaved."""
    behaviours = behaviours_of(plan, range(plan.connections))
    sorted_out: dict[str, Seen] = {}
    for user, one in seen.items():
        name = behaviours[user].name if user in behaviours else ""
        sorted_out.setdefault(name, []).append(one)
    return sorted_out


def all_of(seen: Seen, name: str) -> list[Any]:
    return [one[name] for one in seen]


def assert_seen(seen: dict[str, Seen], *, kernel: bool = True) -> None:
    """Assert of each behaviour that the server saw it, and of no other user."""
    good = seen[""]
    assert set(all_of(good, "end")) == {"close_1000"}
    assert max(all_of(good, "fragments")) == max(all_of(good, "pings")) == 0
    assert max(all_of(good, "longest_silence_s")) < 0.5
    assert all(one["pongs"] >= one["pings_sent"] - 5 for one in good)
    for one in seen["slow-reader"]:
        # A ping has two bytes.
        assert one["pongs"] < 0.8 * one["pings_sent"]
    assert min(all_of(seen["pausing-reader"], "longest_silence_s")) > 0.5
    if kernel:
        assert max(all_of(seen["small-buffer"], "window")) < 8192 < min(all_of(good, "window"))
    slow = seen["slow-upgrade"]
    assert min(all_of(slow, "request_s")) > 0.3 > max(all_of(good, "request_s"))
    assert min(all_of(slow, "request_reads")) > 4
    for one in seen["vanish"]:
        assert one["end"] == "reset"
    for one in seen["silent"]:
        assert one["longest_silence_s"] > 0.5
        assert one["end"] in ("reset", "eof")
    for one in seen["ping-flood"]:
        assert one["pings"] > 100
    assert set(all_of(seen["broken-masks"], "broken")) == {"mask"}
    assert len(set(all_of(seen["broken-frames"], "broken"))) >= 2
    assert set(all_of(seen["broken-frames"], "end")) == {"refused"}


def test_the_server_sees_each_behaviour_in_an_echo_run(runner: Runner) -> None:
    values: dict[str, Any] = {
        "connections": CONNECTIONS,
        "processes": 2,
        "rate": "10/s",
        "duration": "2s",
        "behave": BEHAVE,
    }
    with watching() as server:
        result = runner.echo(server.url, **values)
        plan = EchoPlan(url=server.url, ramp="0s", **values)
        seen = by_behaviour(plan, server.seen(CONNECTIONS))
    assert_seen(seen)
    for one in seen["fragmented"]:
        # 64 bytes in pieces of 20, of which the server made whole messages.
        assert (one["largest_fragment"], one["fragments"]) == (20, 4 * one["texts"])
        assert one["texts"] == 20
    delivery, awkward = result.delivery, result.awkward
    assert awkward is not None
    behaved = CONNECTIONS - awkward.users
    assert (delivery.planned, delivery.sent, delivery.delivered) == (behaved * 20,) * 3
    apart = awkward.delivery
    assert apart.expected == apart.delivered + apart.lost + apart.lost_to_disconnect
    assert apart.undecided == 0
    assert result.verdict.status in ("pass", "doubtful")
    ends = {name: one.ends for name, one in awkward.behaviours.items()}
    assert ends["vanish"] == {"vanished": 1}
    assert ends["broken-frames"] == {"close_1002": 5}
    assert ends["broken-masks"] == {"close_1002": 1}
    assert result.facts["flood_pongs"] > 100
    assert result.metrics["connect_time"].count == behaved


def test_the_server_sees_each_behaviour_in_a_connect_run_over_tls(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, pem = trustme.CA(), tmp_path / "server.pem"
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    values: dict[str, Any] = {
        "connections": CONNECTIONS,
        "processes": 2,
        "connect_rate": "500/s",
        "hold": "1200ms",
        "behave": BEHAVE.replace("fragmented:2%@20,", "").replace("2%@60/s", "2%@1k/s"),
    }
    with watching(pem) as server:
        result = runner.connect(server.url, **values)
        seen = by_behaviour(ConnectPlan(url=server.url, **values), server.seen(CONNECTIONS))
    for one in seen.pop("slow-reader"):
        # At a thousand bytes in a second, records of some 24 bytes, no more than they are.
        assert one["pongs"] < 0.9 * one["pings_sent"] or one["longest_silence_s"] > 0.05
    assert result.awkward is not None
    assert result.awkward.behaviours["vanish"].ends == {"vanished": 1}
    seen["slow-reader"] = []
    assert_seen(seen, kernel=False)


def dropped(truth: Path) -> Counter[int]:
    with truth.open(newline="") as file:
        return Counter(int(r["user"]) for r in csv.DictReader(file) if r["event"] == "dropped")


def test_losses_of_awkward_users_are_kept_apart(runner: Runner, tmp_path: Path) -> None:
    """The server drops deliveries and tells of whom: each is lost in the account it belongs to."""
    truth = tmp_path / "truth.csv"
    values: dict[str, Any] = {
        "connections": 30,
        "rooms": 3,
        "processes": 2,
        "rate": "10/s",
        "duration": "1500ms",
        "drain": "500ms",
        "behave": "fragmented:20%,ping-flood:10%,vanish:10%@100ms,silent:10%@100ms",
    }
    server = start("--drop", "5%", "--truth", str(truth), kind="chat")
    try:
        url = url_of(server).rstrip("/") + "/?room={{room}}&user={{user}}"
        result = runner.chat(url, **values)
    finally:
        server.terminate()
        server.communicate()
    plan = ChatPlan(url=url, ramp="0s", **values)
    behaviours = behaviours_of(plan, range(30))
    lost: Counter[str] = Counter()
    for user, count in dropped(truth).items():
        lost[behaviours[user].name if user in behaviours else ""] += count
    delivery, awkward = result.delivery, result.awkward
    assert awkward is not None
    assert delivery.lost == lost[""] > 0
    assert delivery.expected == delivery.delivered + delivery.lost
    assert awkward.delivery.lost >= lost["fragmented"] + lost["ping-flood"] > 0
    assert awkward.delivery.undecided == 0
    assert awkward.users == 15
    # All of what those who read as they should were to hear, and some that the others were to.
    reading = sum(one.name in ("fragmented", "ping-flood") for one in behaviours.values())
    members = {room: plan.layout.members(room) for room in range(3)}
    assert sum(len(one) for one in members.values()) == 30
    assert reading == 9
    assert awkward.delivery.expected > 9 * awkward.delivery.lost // 30
    assert result.rooms is not None
    assert result.rooms.identity_holds


def test_awkward_users_come_back_and_do_it_again(runner: Runner) -> None:
    server = start(kind="chat")
    try:
        url = url_of(server).rstrip("/") + "/?room={{room}}&user={{user}}"
        result = runner.chat(
            url,
            connections=12,
            rate="20/s",
            duration="1500ms",
            reconnect="20ms..100ms",
            behave="vanish:25%@100ms,broken-masks:25%@100ms",
        )
    finally:
        server.terminate()
        server.communicate()
    awkward = result.awkward
    assert awkward is not None
    assert awkward.behaviours["vanish"].ends["vanished"] > 3
    assert awkward.behaviours["broken-masks"].ends["close_1002"] > 3
    assert result.reconnects.cut_off == result.reconnects.failed == 0
    assert result.delivery.delivered == result.delivery.expected > 0
    assert result.connections.closed == {}
    assert result.verdict.status in ("pass", "doubtful")


def test_failures_of_awkward_users_are_no_failures_of_the_server(runner: Runner) -> None:
    with watching() as server:
        result = runner.connect(
            server.url,
            connections=10,
            connect_timeout="300ms",
            behave="slow-upgrade:20%@10/s",
        )
        # Of those who never finished asking, nobody knows who they are.
        assert set(all_of(list(server.seen(10).values()), "end")) == {"", "close_1000"}
    assert result.awkward is not None
    assert (result.awkward.failed, result.connections.failed) == (2, 0)
    assert result.awkward.behaviours["slow-upgrade"].ends == {"timeout_upgrade": 2}
    assert result.connections.errors == {}
    assert result.verdict.status in ("pass", "doubtful")


def test_code_and_reason_of_our_close_frames(runner: Runner) -> None:
    with watching() as server:
        result = runner.echo(server.url, closing={"code": 4321, "reason": "grüße"})
        seen = server.seen(4)
    assert {(one["end"], one["reason"]) for one in seen.values()} == {("close_4321", "grüße")}
    assert result.facts["closing_answered"] == 4
    assert "closing_unanswered" not in result.facts


def test_answers_are_awaited_within_a_bound(runner: Runner) -> None:
    with watching() as server:
        result = runner.echo(f"{server.url}&mute=1", closing={"timeout": "200ms"})
        seen = server.seen(4)
    assert {one["end"] for one in seen.values()} == {"close_1000"}
    assert result.facts["closing_unanswered"] == 4
    assert result.connections.closed == {}


def test_connections_are_ended_by_a_reset(runner: Runner) -> None:
    with watching() as server:
        result = runner.echo(server.url, closing={"reset": True})
        seen = server.seen(4)
    assert {one["end"] for one in seen.values()} == {"reset"}
    assert result.facts["closing_reset"] == 4
    assert result.verdict.status in ("pass", "doubtful")
