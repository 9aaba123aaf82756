"""Joins, returns and pings, out of the counters of a run."""

from surgewire.results.presence import Joins, Pings, Reconnects
from surgewire.results.record import EndRecord, EventRecord
from tests.results.chat_samples import back, chat_run, chat_start, moment, restart_run
from tests.results.samples import echo_run, phase, tally_of

RAMP = {"attempted": 1_000, "established": 990, "failed": 10, "joined": 980, "join_failed": 10}


def test_a_run_with_a_restart() -> None:
    result = tally_of(*restart_run()).result()
    assert result.joins == Joins(joined=1_000, failed=0, joined_now=1_000)
    assert result.reconnects == Reconnects(
        cut_off=1_000, left=0, attempts=1_500, failed=500, rejoined=1_000
    )
    assert result.pings == Pings(sent=15_000, answered=15_000, timeouts=0)
    assert list(result.disconnects.kinds) == ["close_1001", "eof"]


def test_first_attempts_are_told_apart_from_those_to_come_back() -> None:
    part = tally_of(*restart_run()).result().connections
    assert (part.requested, part.attempted, part.established, part.failed) == (1_000,) * 3 + (0,)
    assert part.errors == {"tcp_refused": 500}


def test_attempts_under_way_when_a_run_was_killed_do_not_take_from_the_first() -> None:
    under_way = {"attempted": 300, "retried": 300, "established": 100}
    records = [
        chat_start(),
        phase(0.0, "connecting"),
        moment(1.0, phase="connecting", counters=RAMP),
        EventRecord(1.0, "connected", {"last_established_s": 0.99}),
        moment(2.0, counters=under_way),
    ]
    part = tally_of(*records).result().connections
    assert (part.attempted, part.established, part.failed) == (1_000, 990, 10)
    assert part.per_s == 1_000.0


def test_users_count_as_listening_up_to_the_drain() -> None:
    result = tally_of(*chat_run()).result()
    assert result.joins == Joins(joined=1_000, failed=0, joined_now=1_000)


def test_failed_joins_and_returns_cross_their_thresholds() -> None:
    records = [
        chat_start(),
        moment(1.0, 980, counters=RAMP, closed={"timeout_join": 10}),
        moment(2.0, 980, counters={"sent": 1, **back(2, 5)}),
        EndRecord(3.0, "finished"),
    ]
    result = tally_of(*records).result()
    crossed = {item.figure: item.value for item in result.thresholds if item.crossed}
    assert crossed == {
        "connections.failed": 10,
        "connections.closed": 10,
        "joins.failed": 10,
        "reconnects.failed": 3,
    }
    assert result.verdict.reasons == (
        "10 of 1,000 connections failed",
        "10 connections ended before their time",
        "10 joins failed",
        "3 of 5 attempts to come back failed",
    )


def test_leaving_on_purpose_is_no_fault() -> None:
    records = chat_run()
    records.insert(5, moment(2.5, counters={"left": 50, **back(50, 50)}))
    result = tally_of(*records).result()
    assert (result.reconnects.left, result.reconnects.rejoined) == (50, 50)
    assert result.verdict.status == "pass"


def test_pings_that_were_not_answered() -> None:
    record = moment(1.0, counters={"pings": 9, "pongs": 7}, closed={"timeout_ping": 2})
    assert tally_of(chat_start(), record).result().pings == Pings(9, 7, 2)


def test_a_run_without_rooms_has_no_joins() -> None:
    result = tally_of(*echo_run()).result()
    assert result.joins is None
    assert "joins.failed" not in {item.figure for item in result.thresholds}
