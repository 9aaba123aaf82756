"""Other work on this machine, seen for a moment before our own begins."""

from dataclasses import dataclass

from surgewire.doctor.demand import Demand, counted
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.root import Root, whole

_BUSY_LIMIT = 0.2
"""A fifth of the cores taken by others shows in p99: every fifth message finds its core busy."""
_STEAL_LIMIT = 0.02


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Ticks of all cores together since the system began."""

    busy: int
    idle: int
    stolen: int


@dataclass(frozen=True, slots=True)
class OtherLoad:
    """Shares of all cores' time, 0 to 1."""

    busy: float
    stolen: float


def cpu_times(root: Root) -> CpuTimes | None:
    """Read the ticks of now; None where the system does not tell."""
    lines = (root.text("proc/stat") or "").splitlines()
    words = lines[0].split() if lines else []
    ticks = [whole(word) for word in words[1:9]]
    if words[:1] != ["cpu"] or len(ticks) < 8:
        return None
    user, nice, system, idle, iowait, irq, softirq, steal = (tick or 0 for tick in ticks)
    return CpuTimes(user + nice + system + irq + softirq, idle + iowait, steal)


def other_load(before: CpuTimes | None, after: CpuTimes | None) -> OtherLoad | None:
    """Return how busy the cores were between two readings; None where nothing was counted."""
    if before is None or after is None:
        return None
    busy, idle = after.busy - before.busy, after.idle - before.idle
    stolen = max(after.stolen - before.stolen, 0)
    whole = busy + idle + stolen
    return OtherLoad(busy / whole, stolen / whole) if whole > 0 else None


def check_load(load: OtherLoad | None, demand: Demand, cpus: int) -> Finding:
    """Say whether others leave us the cores."""
    del demand
    wanted = f"less than {_percent(_BUSY_LIMIT)} busy, less than {_percent(_STEAL_LIMIT)} stolen"
    if load is None:
        return unknown("other_load", wanted=wanted)
    of = f" of {counted(cpus, 'core')}" if cpus else ""
    found = f"{_percent(load.busy)}{of} busy, {_percent(load.stolen)} stolen by the hypervisor"
    if load.busy < _BUSY_LIMIT and load.stolen < _STEAL_LIMIT:
        return ok("other_load", found, wanted)
    advice = "see with `top` what else runs: end it, or give it other cores with `taskset`"
    if load.stolen >= _STEAL_LIMIT:
        advice = "use a machine whose cores are its own"
    return Finding(
        "other_load",
        Status.WARN,
        found,
        wanted,
        None,
        advice,
        "messages wait for a core: send lag and loop lag grow, and the report has doubts",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
