"""Doubts about the account: whether what was counted is whole, and carries what is shown.

Each check takes a tally and answers with a doubt or None.
"""

from typing import TYPE_CHECKING

from surgewire.results.doubt import Doubt, DoubtCode
from surgewire.results.metrics import CONNECT_TIME, MESSAGE_LATENCY
from surgewire.results.percentile import display_name, needed
from surgewire.results.rooms import sums

if TYPE_CHECKING:
    from surgewire.results.tally import Tally

CLOCK_STEP_LIMIT_MS = 1.0
"""Kernel stamps are of the wall clock; a step moves them against ours by as much."""

MIN_SAMPLES = needed("p99")
"""p99 is what most people read first; a run that cannot show it says so."""


def check_worker_died(tally: "Tally") -> Doubt | None:
    """Find workers that ended before their time."""
    deaths = tally.timeline.deaths
    if not deaths:
        return None
    first = deaths[0]
    connections = sum(_whole(death.detail.get("connections")) for death in deaths)
    which = ", ".join(str(death.detail.get("worker", "?")) for death in deaths)
    signal = first.detail.get("signal")
    how = f"by signal {signal}" if signal else f"with exit code {first.detail.get('exit_code')}"
    return Doubt(
        DoubtCode.WORKER_DIED,
        len(deaths),
        f"worker {which} died at {first.at_s:.1f} s {how} with {connections:,} connections",
        "see what ended it (dmesg, if it was out of memory) and run again",
    )


def check_journal_incomplete(tally: "Tally") -> Doubt | None:
    """Find a journal that could not be written, or that has no end."""
    timeline = tally.timeline
    if timeline.journal_failure is not None:
        since_s = timeline.journal_failed_s
        said = f"the journal could not be written from {since_s:.1f} s on: "
        said += timeline.journal_failure
    elif timeline.end is None and not tally.running:
        since_s = timeline.at_s
        said = f"the journal has no end: killed, or out of disk, after {since_s:.1f} s"
    else:
        return None
    return Doubt(
        DoubtCode.JOURNAL_INCOMPLETE,
        round(since_s, 3),
        said,
        "what it does not hold is in no later report",
    )


def check_clock_step(tally: "Tally") -> Doubt | None:
    """Find steps of the wall clock."""
    steps = tally.timeline.clock_steps
    if steps.count == 0 or abs(steps.largest) < CLOCK_STEP_LIMIT_MS:
        return None
    return Doubt(
        DoubtCode.CLOCK_STEP,
        round(steps.largest, 3),
        f"the wall clock stepped ({steps.count} times, at most {steps.largest:+,.3f} ms):"
        " kernel stamps are off",
        "latencies are of a clock that does not step; keep time synchronisation from stepping",
    )


def check_ledger_window(tally: "Tally") -> Doubt | None:
    """Find arrivals that were booked as lost before they came."""
    too_old = tally.counters["too_old"]
    if too_old <= 0:
        return None
    return Doubt(
        DoubtCode.LEDGER_WINDOW,
        too_old,
        f"{too_old:,} messages came after the ledger had booked them as lost",
        "the target reorders or delays beyond the window; read lost as lost or very late",
    )


def check_ledger_unbalanced(tally: "Tally") -> Doubt | None:
    """Find expected messages of a finished run that are neither delivered nor lost."""
    if not tally.finished:
        return None
    undecided = tally.undecided
    apart = tally.undecided_apart
    if undecided or apart:
        whose = "" if undecided else " of awkward users"
        told = (
            f"{undecided or apart:,} expected messages{whose} are booked neither as delivered nor "
            "as lost"
        )
    else:
        told = _rooms_unbalanced(tally)
    if not told:
        return None
    return Doubt(
        DoubtCode.LEDGER_UNBALANCED,
        undecided or apart,
        told,
        "the counts of a worker are incomplete; if none died, report this as a bug",
    )


def _rooms_unbalanced(tally: "Tally") -> str:
    """Say in which rooms the identity does not hold, or that all together are not the total."""
    rooms = tally.rooms()
    if rooms is None or tally.latest_rooms is None:
        return ""
    if not rooms.identity_holds:
        named = ", ".join(map(str, rooms.unbalanced_rooms))
        more = " …" if rooms.unbalanced > len(rooms.unbalanced_rooms) else ""
        return (
            f"in {rooms.unbalanced:,} of {rooms.count:,} rooms expected messages are booked neither"
            f" as delivered nor as lost, or twice: {named}{more}"
        )
    for name, total in sums(tally.latest_rooms).items():
        if total != tally.counters[name]:
            name = name.replace("_", " ")
            return f"the rooms have {total:,} {name} together, the run {tally.counters[name]:,}"
    return ""


def check_few_samples(tally: "Tally") -> Doubt | None:
    """Say which percentiles the sample is too small for, p99 among them."""
    metric = MESSAGE_LATENCY if tally.asked.sends else CONNECT_TIME
    summary = tally.summary(metric)
    if summary.count == 0 or summary.count >= MIN_SAMPLES:
        return None
    left_out = ", ".join(display_name(name) for name in summary.missing())
    return Doubt(
        DoubtCode.FEW_SAMPLES,
        summary.count,
        f"{summary.count:,} samples are too few for {left_out} of {metric.replace('_', ' ')}",
        f"{MIN_SAMPLES:,} samples carry p99: run longer, or with more connections",
    )


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0
