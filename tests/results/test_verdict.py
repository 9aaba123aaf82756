"""The verdict: the gravest status, and all reasons."""

from typing import Any

import pytest

from surgewire.results.doubt import Doubt, DoubtCode
from surgewire.results.result import Connections, Delivery
from surgewire.results.verdict import Ending, Status, Verdict, judge

FINISHED = Ending("finished", 70.0)
SATURATED = Doubt(DoubtCode.WORKER_SATURATED, 97.0, "worker 0 used 97 %", "use more")
FEW = Doubt(DoubtCode.FEW_SAMPLES, 10, "10 samples", "run longer")


def connections(**changes: Any) -> Connections:
    values: dict[str, Any] = {
        "requested": 1_000,
        "attempted": 1_000,
        "established": 1_000,
        "failed": 0,
        "peak_open": 1_000,
        "per_s": 100.0,
        "errors": {},
        "closed": {},
    }
    return Connections(**{**values, **changes})


def delivery(**changes: int) -> Delivery:
    values: dict[str, Any] = dict.fromkeys(Delivery.__dataclass_fields__, 0)
    values |= {"sent": 5_000, "expected": 5_000, "delivered": 5_000, "rate": 1.0}
    return Delivery(**{**values, **changes})


def verdict(
    ending: Ending = FINISHED,
    doubts: tuple[Doubt, ...] = (),
    sends: bool = True,
    part: Connections | None = None,
    stood_still: bool = False,
    **messages: int,
) -> Verdict:
    return judge(
        ending,
        part or connections(),
        delivery(**messages),
        doubts,
        sends=sends,
        stood_still=stood_still,
    )


def test_all_well() -> None:
    assert verdict() == Verdict(Status.PASS, ())


def test_a_doubt_makes_it_doubtful() -> None:
    assert verdict(doubts=(SATURATED, FEW)) == Verdict(
        Status.DOUBTFUL, ("figures in doubt: worker_saturated",)
    )


def test_what_may_be_late_for_our_own_standstill_is_not_held_against_the_target() -> None:
    assert verdict(late=7).status is Status.FAIL
    found = verdict(late=7, stood_still=True)
    assert found.status is Status.DOUBTFUL
    assert found.reasons == ("7 deliveries late, perhaps for the tester's own standstill",)
    found = verdict(late=7, lost=1, stood_still=True)
    assert found.status is Status.FAIL
    assert found.reasons[0].endswith("deliveries: 1 lost")
    assert verdict(stood_still=True).status is Status.PASS


def test_too_few_samples_alone_do_not() -> None:
    assert verdict(doubts=(FEW,)) == Verdict(Status.PASS, ())


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ({"lost": 3}, "of 5,000 deliveries: 3 lost"),
        ({"lost_to_disconnect": 1}, "of 5,000 deliveries: 1 lost to disconnect"),
        ({"duplicated": 2, "late": 1_234}, "of 5,000 deliveries: 2 duplicated, 1,234 late"),
        ({"damaged": 1}, "of 5,000 deliveries: 1 damaged"),
        ({"misrouted": 1}, "of 5,000 deliveries: 1 misrouted"),
    ],
)
def test_messages_that_fell_short(messages: dict[str, int], reason: str) -> None:
    assert verdict(**messages) == Verdict(Status.FAIL, (reason,))


@pytest.mark.parametrize("name", ["foreign", "unmarked", "too_old", "in_flight_at_leave"])
def test_what_is_not_the_targets_fault_is_no_reason(name: str) -> None:
    assert verdict(**{name: 5}).status is Status.PASS


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"failed": 12}, "12 of 1,000 connections failed"),
        ({"closed": {"close_1001": 2, "eof": 1}}, "3 connections ended before their time"),
        ({"attempted": 999}, "only 999 of 1,000 connections were attempted"),
    ],
)
def test_connections_that_fell_short(changes: dict[str, Any], reason: str) -> None:
    assert verdict(part=connections(**changes)) == Verdict(Status.FAIL, (reason,))


def test_interrupted() -> None:
    ending = Ending("interrupted", 12.34, "SIGINT")
    found = verdict(ending, part=connections(attempted=10, established=10))
    assert found == Verdict(Status.INTERRUPTED, ("stopped by SIGINT after 12.3 s",))


def test_killed() -> None:
    assert verdict(Ending(None, 23.0)) == Verdict(
        Status.INTERRUPTED, ("no end: killed, or out of disk, after 23.0 s",)
    )


def test_still_running() -> None:
    found = verdict(Ending(None, 23.0, running=True), part=connections(failed=1))
    assert found.status is Status.RUNNING
    assert found.reasons[0] == "still running, after 23.0 s"
    assert "1 of" in found.reasons[1]
    # The end was written, and the writer is about to leave.
    assert verdict(Ending("finished", 70.0, running=True)).status is Status.PASS


@pytest.mark.parametrize(
    ("ending", "part", "messages", "reason"),
    [
        (Ending("failed", 1.0), {}, {}, "the run could not be completed"),
        (FINISHED, {"established": 0, "failed": 1_000}, {}, "no connection was established"),
        (FINISHED, {}, {"sent": 0}, "no message was sent"),
    ],
)
def test_failed(
    ending: Ending, part: dict[str, int], messages: dict[str, int], reason: str
) -> None:
    found = verdict(ending, part=connections(**part), **messages)
    assert found.status is Status.FAILED
    assert found.reasons[0] == reason


def test_a_connect_run_sends_nothing_and_may_pass() -> None:
    assert verdict(sends=False, sent=0, expected=0, delivered=0).status is Status.PASS


def test_all_reasons_are_told_the_gravest_first() -> None:
    found = verdict(
        Ending("interrupted", 5.0),
        doubts=(SATURATED,),
        part=connections(failed=1),
        lost=1,
    )
    assert found == Verdict(
        Status.INTERRUPTED,
        (
            "stopped after 5.0 s",
            "1 of 1,000 connections failed",
            "of 5,000 deliveries: 1 lost",
            "figures in doubt: worker_saturated",
        ),
    )
    assert found.to_dict()["status"] == "interrupted"


def test_a_rule_that_stopped_the_run_comes_first() -> None:
    ending = Ending("aborted", 3.21, rule="failed>20% (30, with 100 attempts)")
    found = verdict(ending, part=connections(attempted=100, established=70, failed=30), sent=0)
    assert found.status is Status.FAIL
    assert found.reasons[0] == (
        "stopped by --abort-on failed>20% (30, with 100 attempts) after 3.2 s"
    )
    # Having established nothing before the rule was crossed is what the rule is about.
    nothing = verdict(ending, part=connections(attempted=30, established=0, failed=30), sent=0)
    assert nothing.status is Status.FAIL
