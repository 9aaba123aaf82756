"""Storms, waves, reconnect storms, greetings and packets sent again, against servers that count."""

import pytest

from surgewire.engine.observer import SilentObserver
from surgewire.results.record import EventRecord, Record
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

MS = 1_000_000


def test_a_storm_comes_at_once(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/", storm=60, connections=None, connect_rate=None
    )
    accepted_ns = farm.accepted_ns(port)
    farm.close(port)
    assert len(accepted_ns) == result.connections.established == 60
    (surge,) = result.surges
    assert (surge.kind, surge.number, surge.users, surge.came) == ("storm", 1, 60, 60)
    # The server has seen the first before and the last not after what we say.
    seen_s = (accepted_ns[-1] - accepted_ns[0]) / 1e9
    assert surge.all_in_s is not None
    assert seen_s <= surge.all_in_s < seen_s + 1
    assert result.attempts is not None
    assert 1 < result.attempts.most_under_way <= 60
    assert result.attempts.planned_per_s is None


def test_waves_come_in_their_time(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/", waves="3x10/400ms", connections=None, connect_rate=None
    )
    accepted_ns = farm.accepted_ns(port)
    farm.close(port)
    assert [surge.planned_s for surge in result.surges] == [0, 0.4, 0.8]
    assert [surge.number for surge in result.surges] == [1, 2, 3]
    assert all(surge.users == surge.came == 10 for surge in result.surges)
    for wave in (1, 2):
        gap_ns = accepted_ns[10 * wave] - accepted_ns[10 * (wave - 1)]
        assert gap_ns / 1e6 == pytest.approx(400, abs=200)


@pytest.mark.parametrize("reconnect", [None, "50ms..200ms"])
def test_who_left_together_comes_back(reconnect: str | None, farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    more = {} if reconnect is None else {"reconnect": reconnect}
    result = runner.connect(
        f"ws://127.0.0.1:{port}/",
        connections=40,
        connect_rate="1000/s",
        hold="100ms",
        reconnect_storm="25%",
        **more,
    )
    truth = farm.close(port)
    assert truth["accepted"] == truth["close_1000"] == 50
    again = result.reconnects
    assert (again.left, again.attempts, again.rejoined, again.missing) == (10, 10, 10, 0)
    (surge,) = result.surges
    assert (surge.kind, surge.users, surge.came) == ("return", 10, 10)
    assert surge.all_in_s is not None
    away = result.metrics["rejoin_time"]
    assert away.count == 10
    assert away.max / 1e3 <= surge.all_in_s + 0.001
    assert result.connections.established == result.connections.peak_open == 40
    assert result.verdict.status in ("pass", "doubtful")


def test_who_does_not_come_back_is_missing(farm: Farm, runner: Runner) -> None:
    port = farm.open("first_come")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/", connections=10, connect_rate="1000/s", reconnect_storm="50%"
    )
    farm.close(port)
    assert result.reconnects.missing == 5
    assert result.reconnects.failed == 5
    (surge,) = result.surges
    assert (surge.came, surge.all_in_s, surge.last_in_s) == (0, None, None)
    assert result.verdict.status == "fail"
    assert "5 users that left together did not come back" in result.verdict.reasons
    assert {t.figure: t.crossed for t in result.thresholds}["reconnects.missing"]
    assert result.attempts is not None
    assert result.attempts.failed_in == {"upgrade": 5}


def test_backoff_tries_until_the_time_is_up(farm: Farm, runner: Runner) -> None:
    port = farm.open("first_come")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/",
        connections=10,
        connect_rate="1000/s",
        reconnect_storm="10%",
        reconnect="20ms..40ms",
        return_timeout="500ms",
    )
    farm.close(port)
    assert result.reconnects.missing == 1
    assert result.reconnects.attempts > 3


def test_a_greeting_is_awaited_and_timed(farm: Farm, runner: Runner) -> None:
    port = farm.open("greets_late")
    result = runner.connect(f"ws://127.0.0.1:{port}/", until_message=True)
    farm.close(port)
    greeting = result.metrics["first_message_time"]
    assert greeting.count == 10
    # The upgrade is stamped when it is read, which a busy machine does late.
    assert 100 < greeting.min <= greeting.max < 1_000
    assert result.metrics["connect_time"].p50 is None or result.metrics["connect_time"].p50 < 200
    assert result.connections.closed == {}


def test_a_greeting_within_the_response(farm: Farm, runner: Runner) -> None:
    port = farm.open("greets_with_the_response")
    result = runner.connect(f"ws://127.0.0.1:{port}/", until_message=True)
    farm.close(port)
    assert result.metrics["first_message_time"].count == 10
    assert result.metrics["first_message_time"].max < 1


def test_a_greeting_that_does_not_come(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(f"ws://127.0.0.1:{port}/", until_message=True, connect_timeout="300ms")
    assert farm.close(port)["close_1000"] == 10
    assert result.connections.established == 10
    assert result.connections.closed == {"timeout_message": 10}
    assert result.metrics["first_message_time"].count == 0
    assert result.verdict.status == "fail"


def test_packets_sent_again_are_recognised(farm: Farm, runner: Runner) -> None:
    port = farm.open("late")

    class Doorkeeper(SilentObserver):
        def record(self, record: Record) -> None:
            if isinstance(record, EventRecord) and record.detail.get("phase") == "connecting":
                farm.admit(port)

    result = runner.connect(f"ws://127.0.0.1:{port}/", connections=4, observer=Doorkeeper())
    farm.close(port)
    assert result.connections.established == 4
    assert result.facts["syn_retransmitted"] == 4
    # On a busy machine the server may open so late that some must knock a third time.
    assert sum(result.facts.get(f"syn_sent_{times}_times", 0) for times in (2, 3)) == 4
    # The first wait of the kernel.
    assert result.metrics["tcp_time"].min > 950
    assert [note.code for note in result.notes if note.code == "syn_retransmitted"]
