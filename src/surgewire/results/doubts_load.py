"""Doubts about the load: whether generator and machine were able to do what was asked.

Each check takes a tally and answers with a doubt or None.
"""

from typing import TYPE_CHECKING

from surgewire.results.doubt import Doubt, DoubtCode
from surgewire.results.metrics import (
    CONNECT_LAG,
    LOOP_LAG,
    MESSAGE_LATENCY,
    SEND_LAG,
)
from surgewire.results.usage import SATURATED_PERCENT

if TYPE_CHECKING:
    from surgewire.results.tally import Tally

SATURATED_IN_A_ROW = 3
"""One busy second may be a neighbour's; three are a load that the worker cannot carry."""

BEHIND_LIMIT_MS = 10.0
"""Half of the messages ten ticks late: backlog is the rule. Where a core is shared with others, or
lent to another machine, a worker is at its end without having used all of it."""

SEND_LAG_SHARE = 0.1
"""A tenth of the latency shown is more than the three digits that are printed can hide."""
SEND_LAG_FLOOR_MS = 1.0
"""Below the tick of 1 ms a lag is the scheduler's grain, whatever the latency is."""
SEND_LAG_LIMIT_MS = 5.0
"""Five ticks behind: what was measured is not the load that was asked for."""

LOOP_LAG_LIMIT_MS = 10.0
"""A loop that comes back 10 ms late stamps arrivals late too, by as much."""

STANDSTILL_MS = 1_000.0
"""No scheduler keeps a loop waiting for a second: its process was stopped, or its machine was. The
percentiles of a long run do not show it, its highest latencies and late messages do."""

CONNECT_LAG_LIMIT_MS = 100.0
"""Attempts that start a tenth of a second late are not the ramp that was asked for."""

STEAL_LIMIT_PERCENT = 10.0
"""A tenth of the time gone to other machines shows in p90 and above."""

FULL_TIMER = "timerfd"


def check_worker_saturated(tally: "Tally") -> Doubt | None:
    """Find the busiest worker that had (nearly) no time left."""
    saturated = [
        usage
        for usage in tally.usage.in_order
        if usage.saturated_in_a_row >= SATURATED_IN_A_ROW
        or (usage.measured_s > 0 and usage.cpu_percent >= SATURATED_PERCENT)
    ]
    if not saturated:
        return _behind(tally)
    worst = max(saturated, key=lambda usage: usage.cpu_percent)
    where = f"worker {worst.worker}"
    if worst.cpu_percent >= SATURATED_PERCENT:
        said = (
            f"{where} used {worst.cpu_percent:.0f} % of a core while {tally.asked.measured_phase}"
        )
    else:
        said = (
            f"{where} used {SATURATED_PERCENT:.0f} % of a core or more for"
            f" {worst.saturated_in_a_row} intervals in a row"
        )
    return Doubt(
        DoubtCode.WORKER_SATURATED,
        round(worst.cpu_percent, 1),
        f"{said}: latencies may be its own queueing",
        "use more --processes or more cores, or a lower rate",
    )


def _behind(tally: "Tally") -> Doubt | None:
    """Find workers that could not keep up, whoever had the time that they lacked."""
    lag_ms = tally.summary(SEND_LAG).p50
    if lag_ms is None or lag_ms <= BEHIND_LIMIT_MS:
        return None
    percent = max((usage.cpu_percent for usage in tally.usage.in_order), default=0.0)
    return Doubt(
        DoubtCode.WORKER_SATURATED,
        round(percent, 1),
        f"half of the messages left {lag_ms:,.3f} ms late or more, with the busiest worker at"
        f" {percent:.0f} % of a core: latencies are of a backlog",
        "use more --processes or more cores, keep other work off them, or a lower rate",
    )


def check_send_lag(tally: "Tally") -> Doubt | None:
    """Find messages that left so late that the latency is in part our own."""
    lag = tally.summary(SEND_LAG).tail()
    if lag is None:
        return None
    name, lag_ms = lag
    latency_ms: float | None = getattr(tally.summary(MESSAGE_LATENCY), name)
    share_ms = None if latency_ms is None else SEND_LAG_SHARE * latency_ms
    of_latency = share_ms is not None and lag_ms > max(share_ms, SEND_LAG_FLOOR_MS)
    if not of_latency and lag_ms <= SEND_LAG_LIMIT_MS:
        return None
    return Doubt(
        DoubtCode.SEND_LAG,
        lag_ms,
        f"messages left late: {name} of the send lag is {lag_ms:,.3f} ms"
        + (f", that of the latency {latency_ms:,.3f} ms" if latency_ms is not None else ""),
        "service time leaves the lag out; use more --processes, more cores or a lower rate",
    )


def check_loop_lag(tally: "Tally") -> Doubt | None:
    """Find loops that came back late, and so stamped arrivals late."""
    summary = tally.summary(LOOP_LAG)
    if summary.max is not None and summary.max >= STANDSTILL_MS:
        return Doubt(
            DoubtCode.LOOP_LAG,
            summary.max,
            f"a worker stood still for {summary.max / 1e3:,.1f} s: what was late or slow then may"
            " be its own",
            "see what stopped it: Ctrl-Z, a debugger, a machine that was put to sleep",
        )
    lag = summary.tail()
    if lag is None or lag[1] <= LOOP_LAG_LIMIT_MS:
        return None
    name, lag_ms = lag
    return Doubt(
        DoubtCode.LOOP_LAG,
        lag_ms,
        f"a worker's loop came back late: {name} {lag_ms:,.3f} ms; arrivals are stamped as late",
        "use more --processes, or keep other work off these cores",
    )


def late_may_be_ours(tally: "Tally") -> bool:
    """Tell whether a worker stood still long enough to make messages late by itself.

    From half of the deadline on: the target may have taken the other half, and cannot be blamed
    for the whole.
    """
    deadline_ns = tally.asked.plan.get("deadline_ns")
    still_ms = tally.summary(LOOP_LAG).max
    if still_ms is None or not isinstance(deadline_ns, int):
        return False
    return still_ms >= max(STANDSTILL_MS, deadline_ns / 2e6)


def check_connect_lag(tally: "Tally") -> Doubt | None:
    """Find attempts that began later than planned."""
    lag = tally.summary(CONNECT_LAG).tail()
    if lag is None or lag[1] <= CONNECT_LAG_LIMIT_MS:
        return None
    name, lag_ms = lag
    return Doubt(
        DoubtCode.CONNECT_LAG,
        lag_ms,
        f"attempts began late: {name} {lag_ms:,.3f} ms behind the ramp; connect times may be ours",
        "use a longer ramp, a lower connect rate or more --processes",
    )


def check_planned_skipped(tally: "Tally") -> Doubt | None:
    """Find planned messages that were never sent, and are missing in the latencies."""
    skipped, planned = tally.counters["skipped"], tally.counters["planned"]
    if skipped <= 0:
        return None
    return Doubt(
        DoubtCode.PLANNED_SKIPPED,
        skipped,
        f"{skipped:,} of {planned:,} planned messages were not sent; no latency tells of them",
        "their connections were gone or took no more data: see errors and disconnects",
    )


def check_local_limits(tally: "Tally") -> Doubt | None:
    """Find failures that are the fault of this machine."""
    files = tally.errors["local_fd_limit"]
    ports = tally.errors["local_ports_exhausted"]
    if files + ports == 0:
        return None
    what = [f"{files:,} for file descriptors"] * (files > 0)
    what += [f"{ports:,} for local ports"] * (ports > 0)
    return Doubt(
        DoubtCode.LOCAL_LIMITS,
        files + ports,
        f"attempts failed on limits of this machine: {', '.join(what)}",
        "surgewire doctor names the commands that raise them",
    )


def check_steal(tally: "Tally") -> Doubt | None:
    """Find time that the hypervisor gave to other machines."""
    steal = tally.timeline.steal
    if steal.count == 0 or steal.largest < STEAL_LIMIT_PERCENT:
        return None
    return Doubt(
        DoubtCode.STEAL,
        round(steal.largest, 1),
        f"the hypervisor took up to {steal.largest:.0f} % of the CPU (noticed {steal.count} times)",
        "run on a machine whose cores are its own",
    )


def check_timer_fallback(tally: "Tally") -> Doubt | None:
    """Find a machine whose timers are coarse."""
    timer = tally.start.machine.get("timer") if tally.start else None
    if timer is None or timer == FULL_TIMER:
        return None
    return Doubt(
        DoubtCode.TIMER_FALLBACK,
        0,
        f"this system has no timerfd; its {timer} timer is only about a millisecond precise",
        "see the send lag for what that means here; run on Linux for full precision",
    )
