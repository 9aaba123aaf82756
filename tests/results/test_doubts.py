"""Each doubt is raised by a literal example, and not by one just below it."""

from dataclasses import dataclass

import pytest

from surgewire.results.doubt import Doubt, DoubtCode
from surgewire.results.doubts import CHECKS, find_doubts
from surgewire.results.doubts_load import late_may_be_ours
from surgewire.results.record import EndRecord, EventRecord, Record
from surgewire.results.tally import Tally
from tests.results.chat_samples import rooms
from tests.results.samples import (
    CONNECT_PLAN,
    S,
    echo_run,
    interval,
    phase,
    start,
    tally_of,
    worker,
)


def busy(*percents: float) -> list[Record]:
    """Give an interval of sending for each percentage of CPU."""
    return [
        interval(float(at), workers=(worker(0, cpu_percent=50.0), worker(1, cpu_percent=percent)))
        for at, percent in enumerate(percents)
    ]


def lags(metric: str, p99_ms: float, latency_ms: float | None = None) -> list[Record]:
    """Give a sample of 1,000 that is one value only, with latencies beside it."""
    metrics = {metric: [p99_ms] * 1_000}
    if latency_ms is not None:
        metrics["message_latency"] = [latency_ms] * 1_000
    return [start(), interval(1.0, metrics=metrics)]


@pytest.mark.parametrize(
    ("lag_ms", "deadline_ns", "ours"),
    [(3_000.0, 2 * S, True), (990.0, S, False), (1_100.0, 3 * S, False), (1_600.0, 3 * S, True)],
)
def test_messages_may_be_late_for_our_own_standstill(
    lag_ms: float, deadline_ns: int, ours: bool
) -> None:
    records = [start(deadline_ns=deadline_ns), interval(1.0, metrics={"loop_lag": [lag_ms]})]
    assert late_may_be_ours(tally_of(*records)) is ours
    assert not late_may_be_ours(tally_of(*records[:1]))


def event(kind: str, **detail: object) -> EventRecord:
    return EventRecord(2.5, kind, detail)


def counts(**counters: int) -> list[Record]:
    return [start(), interval(1.0, counters=counters)]


def machine(timer: str) -> list[Record]:
    first = start()
    first.machine["timer"] = timer
    return [first]


@dataclass(frozen=True)
class Case:
    """Records that raise a doubt, with its figure, and records that just do not."""

    code: DoubtCode
    raised: list[Record]
    figure: float
    message: str
    quiet: list[Record]


END = EndRecord(9.0, "finished")

CASES = {
    "cpu of the phase": Case(
        DoubtCode.WORKER_SATURATED,
        [start(), *busy(92.0, 88.0)],
        90.0,
        "worker 1 used 90 % of a core while sending: latencies may be its own queueing",
        [start(), *busy(91.0, 88.0)],
    ),
    "cpu in a row": Case(
        DoubtCode.WORKER_SATURATED,
        [start(), *busy(90.0, 90.0, 90.0, 0.0, 0.0)],
        54.0,
        "worker 1 used 90 % of a core or more for 3 intervals in a row:"
        " latencies may be its own queueing",
        [start(), *busy(90.0, 90.0, 0.0, 90.0, 90.0, 0.0)],
    ),
    "behind on a shared core": Case(
        DoubtCode.WORKER_SATURATED,
        [*lags("send_lag", 10.1), *busy(60.0)],
        60.0,
        "half of the messages left 10.100 ms late or more, with the busiest worker at 60 % of a"
        " core: latencies are of a backlog",
        [*lags("send_lag", 10.0), *busy(60.0)],
    ),
    "send lag as a share": Case(
        DoubtCode.SEND_LAG,
        lags("send_lag", 1.5, latency_ms=14.0),
        1.5,
        "messages left late: p99 of the send lag is 1.500 ms, that of the latency 14.000 ms",
        lags("send_lag", 1.5, latency_ms=16.0),
    ),
    "send lag above the grain": Case(
        DoubtCode.SEND_LAG,
        lags("send_lag", 1.1, latency_ms=2.0),
        1.1,
        "messages left late: p99 of the send lag is 1.100 ms, that of the latency 2.000 ms",
        lags("send_lag", 1.0, latency_ms=2.0),
    ),
    "send lag as such": Case(
        DoubtCode.SEND_LAG,
        lags("send_lag", 5.1, latency_ms=900.0),
        5.1,
        "messages left late: p99 of the send lag is 5.100 ms, that of the latency 900.000 ms",
        lags("send_lag", 5.0, latency_ms=900.0),
    ),
    "send lag when nothing came back": Case(
        DoubtCode.SEND_LAG,
        lags("send_lag", 5.1),
        5.1,
        "messages left late: p99 of the send lag is 5.100 ms",
        lags("send_lag", 4.9),
    ),
    "loop lag": Case(
        DoubtCode.LOOP_LAG,
        lags("loop_lag", 10.1),
        10.1,
        "a worker's loop came back late: p99 10.100 ms; arrivals are stamped as late",
        lags("loop_lag", 10.0),
    ),
    "standstill": Case(
        DoubtCode.LOOP_LAG,
        [interval(1.0, metrics={"loop_lag": [0.1] * 2_000 + [3_000.0]})],
        3_000.0,
        "a worker stood still for 3.0 s: what was late or slow then may be its own",
        [interval(1.0, metrics={"loop_lag": [0.1] * 2_000 + [990.0]})],
    ),
    "connect lag": Case(
        DoubtCode.CONNECT_LAG,
        lags("connect_lag", 101.0),
        101.0,
        "attempts began late: p99 101.000 ms behind the ramp; connect times may be ours",
        lags("connect_lag", 100.0),
    ),
    "skipped": Case(
        DoubtCode.PLANNED_SKIPPED,
        counts(planned=6_000, skipped=1),
        1,
        "1 of 6,000 planned messages were not sent; no latency tells of them",
        counts(planned=6_000, skipped=0),
    ),
    "few latencies": Case(
        DoubtCode.FEW_SAMPLES,
        [start(), interval(1.0, metrics={"message_latency": [1.0] * 999})],
        999,
        "999 samples are too few for p99, p99.9 of message latency",
        [start(), interval(1.0, metrics={"message_latency": [1.0] * 1_000})],
    ),
    "few connect times": Case(
        DoubtCode.FEW_SAMPLES,
        [start(CONNECT_PLAN), interval(1.0, "connecting", metrics={"connect_time": [1.0] * 19})],
        19,
        "19 samples are too few for p50, p90, p95, p99, p99.9 of connect time",
        [start(CONNECT_PLAN)],
    ),
    "clock step": Case(
        DoubtCode.CLOCK_STEP,
        [event("clock_step", step_ms=0.5), event("clock_step", step_ms=-1.0)],
        -1.0,
        "the wall clock stepped (2 times, at most -1.000 ms): kernel stamps are off",
        [event("clock_step", step_ms=-0.9)],
    ),
    "steal": Case(
        DoubtCode.STEAL,
        [event("steal", percent=10.0), event("steal", percent=4.0)],
        10.0,
        "the hypervisor took up to 10 % of the CPU (noticed 2 times)",
        [event("steal", percent=9.9)],
    ),
    "death by signal": Case(
        DoubtCode.WORKER_DIED,
        [event("worker_died", worker=1, pid=7, signal=9, exit_code=None, connections=5_000)],
        1,
        "worker 1 died at 2.5 s by signal 9 with 5,000 connections",
        [phase(2.5, "closing")],
    ),
    "death by exit": Case(
        DoubtCode.WORKER_DIED,
        [
            event("worker_died", worker=0, signal=None, exit_code=3, connections=7),
            event("worker_died", worker=1, signal=None, exit_code=3, connections=8),
        ],
        2,
        "worker 0, 1 died at 2.5 s with exit code 3 with 15 connections",
        [],
    ),
    "journal failed": Case(
        DoubtCode.JOURNAL_INCOMPLETE,
        [event("journal_failed", reason="no space left on device"), END],
        2.5,
        "the journal could not be written from 2.5 s on: no space left on device",
        [event("journal_failed", reason="no space left on device"), event("journal_restored"), END],
    ),
    "journal without end": Case(
        DoubtCode.JOURNAL_INCOMPLETE,
        [interval(23.0)],
        23.0,
        "the journal has no end: killed, or out of disk, after 23.0 s",
        [interval(23.0), END],
    ),
    "descriptors": Case(
        DoubtCode.LOCAL_LIMITS,
        [interval(1.0, errors={"local_fd_limit": 3, "dns": 2})],
        3,
        "attempts failed on limits of this machine: 3 for file descriptors",
        [interval(1.0, errors={"dns": 2, "tcp_refused": 1_000})],
    ),
    "ports": Case(
        DoubtCode.LOCAL_LIMITS,
        [interval(1.0, errors={"local_ports_exhausted": 2, "local_fd_limit": 1})],
        3,
        "attempts failed on limits of this machine: 1 for file descriptors, 2 for local ports",
        [],
    ),
    "timer": Case(
        DoubtCode.TIMER_FALLBACK,
        machine("call_at"),
        0,
        "this system has no timerfd; its call_at timer is only about a millisecond precise",
        machine("timerfd"),
    ),
    "ledger window": Case(
        DoubtCode.LEDGER_WINDOW,
        counts(too_old=1),
        1,
        "1 messages came after the ledger had booked them as lost",
        counts(too_old=0),
    ),
    "ledger unbalanced": Case(
        DoubtCode.LEDGER_UNBALANCED,
        [*counts(expected=10, delivered=8, lost=1), END],
        1,
        "1 expected messages are booked neither as delivered nor as lost",
        [*counts(expected=10, delivered=8, lost=1, lost_to_disconnect=1), END],
    ),
    "a room unbalanced": Case(
        DoubtCode.LEDGER_UNBALANCED,
        [*counts(expected=20, delivered=20), rooms([[1, 10, 9], [1, 10, 11]]), END],
        0,
        "in 2 of 2 rooms expected messages are booked neither as delivered nor as lost, or twice:"
        " 0, 1",
        [*counts(expected=20, delivered=20), rooms([[1, 10, 10], [1, 10, 10]]), END],
    ),
    "rooms that do not add up": Case(
        DoubtCode.LEDGER_UNBALANCED,
        [*counts(expected=20, delivered=20), rooms([[1, 10, 10]]), END],
        0,
        "the rooms have 10 expected together, the run 20",
        [*counts(expected=20, delivered=20), rooms([[1, 10, 10]]), EndRecord(9.0, "failed")],
    ),
    "messages in flight at an interruption": Case(
        DoubtCode.LEDGER_UNBALANCED,
        [*counts(expected=10, delivered=12), END],
        -2,
        "-2 expected messages are booked neither as delivered nor as lost",
        [*counts(expected=10, delivered=8), EndRecord(9.0, "interrupted")],
    ),
}


def doubt_of(code: DoubtCode, records: list[Record]) -> Doubt | None:
    found = [doubt for doubt in find_doubts(tally_of(*records)) if doubt.code is code]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_doubt_is_raised(case: Case) -> None:
    doubt = doubt_of(case.code, case.raised)
    assert doubt is not None
    assert doubt.figure == pytest.approx(case.figure, rel=0.002)
    # Values come out of a histogram with three significant digits.
    assert _rounded(doubt.message) == _rounded(case.message)
    assert doubt.advice


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_doubt_is_not_raised_just_below(case: Case) -> None:
    assert doubt_of(case.code, case.quiet) is None


def test_every_doubt_has_a_case_and_a_check() -> None:
    assert {case.code for case in CASES.values()} == set(DoubtCode)
    assert len(CHECKS) == len(DoubtCode)


def test_a_run_in_which_all_goes_well_raises_none() -> None:
    assert find_doubts(tally_of(*echo_run())) == ()


def test_an_empty_tally_only_lacks_its_end() -> None:
    assert [doubt.code for doubt in find_doubts(Tally())] == [DoubtCode.JOURNAL_INCOMPLETE]


def test_small_samples_are_judged_by_the_percentile_they_carry() -> None:
    records = [start(), interval(1.0, metrics={"send_lag": [6.0] * 100})]
    doubt = doubt_of(DoubtCode.SEND_LAG, records)
    assert doubt is not None
    assert "p90 of the send lag" in doubt.message
    records = [start(), interval(1.0, metrics={"send_lag": [6.0] * 19})]
    assert doubt_of(DoubtCode.SEND_LAG, records) is None


def _rounded(message: str) -> list[str | float]:
    """Give the words, with numbers to two significant digits of their milliseconds."""
    words: list[str | float] = []
    for word in message.split():
        digits = word.strip(",;:")
        try:
            words.append(float(f"{float(digits):.2g}"))
        except ValueError:
            words.append(word)
    return words
