"""What this machine can generate, as a self-test measured it, against what a plan asks for."""

from dataclasses import asdict, dataclass
from typing import Any

from surgewire.doctor.demand import Demand, counted
from surgewire.doctor.finding import Finding, Status, ok, unknown

EASY_SHARE = 0.5
"""A worker at half of what it can carry has room for a burst; the self-test's own load is even."""
OVERHEAD_LIMIT_MS = 1.0
"""What we add to one message in a hundred should stay below the tick of sending."""


@dataclass(frozen=True, slots=True)
class SelfTest:
    """Figures of one worker that talks to an echo server on the same machine."""

    size_bytes: int
    """Of each message."""
    connections: int
    closed_loop_per_s: float
    """Messages sent and received a second when each answer sets off the next message."""
    highest_per_s: float | None
    """Highest planned rate that was held in time; None where none was."""
    cpu_percent: float | None
    """Of a core, at that rate."""
    cpu_us_per_message: float | None
    """CPU for a message sent and received, at that rate, in microseconds."""
    overhead_p50_ms: float | None
    """What we add to a latency on a quiet machine, by the kernel's stamps; None without them."""
    overhead_p99_ms: float | None
    overhead_samples: int

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON."""
        return asdict(self)


def check_ability(demand: Demand, test: SelfTest, cpus: int) -> tuple[Finding, ...]:
    """Hold the figures of a self-test against what a plan asks for."""
    return _rate(demand, test, cpus), _overhead(test)


def not_tested(why: str) -> Finding:
    """Say that the self-test could not be done."""
    return Finding(
        "self_test",
        Status.WARN,
        why,
        "an echo run on loopback",
        None,
        "change what else is found here, then try again",
        "what this machine can generate is not known",
    )


def _rate(demand: Demand, test: SelfTest, cpus: int) -> Finding:
    """Compare rates; a message sent and one heard count as one message of an echo run."""
    workers = min(demand.processes, cpus) if cpus else demand.processes
    each = (demand.sent_per_s + demand.heard_per_s) / 2 / workers
    wanted = (
        f"{each:,.0f}/s in each of {counted(workers, 'worker')}: {demand.sent_per_s:,.0f}/s sent, "
        f"{demand.heard_per_s:,.0f}/s heard"
    )
    found = _told(test) + (", without TLS" if demand.secure else "")
    highest = test.highest_per_s or 0.0
    if each <= EASY_SHARE * highest:
        return ok("message_rate", found, wanted)
    possible = each <= max(test.closed_loop_per_s, highest)
    return _too_slow(Status.WARN if possible else Status.FAIL, found, wanted)


def _told(test: SelfTest) -> str:
    unplanned = f"{test.closed_loop_per_s:,.0f}/s went through as fast as answers came"
    if test.highest_per_s is None:
        return f"a worker held no planned rate in time; {unplanned}"
    return (
        f"a worker held {test.highest_per_s:,.0f} messages/s of {test.size_bytes:,} bytes with "
        f"{test.cpu_percent:.0f} % of a core, {test.cpu_us_per_message:.1f} µs each; {unplanned}"
    )


def _too_slow(status: Status, found: str, wanted: str) -> Finding:
    return Finding(
        "message_rate",
        status,
        found,
        wanted,
        None,
        "use more cores and `--processes`, a lower `--rate`, or fewer users in a room",
        "messages leave late, and latencies are our own queueing",
    )


def _overhead(test: SelfTest) -> Finding:
    wanted = f"p99 of {OVERHEAD_LIMIT_MS:g} ms or less"
    if test.overhead_p99_ms is None or test.overhead_p50_ms is None:
        return unknown("own_overhead", "the kernel gave too few stamps", wanted)
    found = f"p50 {test.overhead_p50_ms:.3f} ms, p99 {test.overhead_p99_ms:.3f} ms on each latency"
    if test.overhead_p99_ms <= OVERHEAD_LIMIT_MS:
        return ok("own_overhead", found, wanted)
    return Finding(
        "own_overhead",
        Status.WARN,
        found,
        wanted,
        None,
        "keep other work off the cores (`taskset`), or use a machine whose cores are its own",
        "one latency in a hundred is too high by as much or more, through no fault of the target",
    )
