"""What happens to the machine during a run, and takes from the worth of its figures."""

import time
from typing import Any

import psutil

_STEAL_PERCENT = 5.0
_STEP_NS = 10_000_000

Finding = tuple[str, dict[str, Any]]


class MachineWatch:
    """Finds CPU time that a hypervisor took, and steps of the wall clock."""

    def __init__(self) -> None:
        """Compare with the state of now."""
        self._cpu = psutil.cpu_times()
        self._offset_ns = clock_offset_ns()

    def take(self) -> list[Finding]:
        """Return what happened since the last call: kinds of events with their details."""
        findings: list[Finding] = []
        cpu, offset_ns = psutil.cpu_times(), clock_offset_ns()
        percent = steal_percent(self._cpu, cpu)
        if percent > _STEAL_PERCENT:
            findings.append(("steal", {"percent": round(percent, 1)}))
        step_ns = offset_ns - self._offset_ns
        if abs(step_ns) > _STEP_NS:
            findings.append(("clock_step", {"step_ms": round(step_ns / 1e6, 3)}))
        self._cpu, self._offset_ns = cpu, offset_ns
        return findings


def clock_offset_ns() -> int:
    """Return by how much CLOCK_REALTIME is ahead of CLOCK_MONOTONIC.

    The closest of a few readings, because the process may be held up between the two clocks.
    """
    readings = []
    for _ in range(3):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        readings.append((after - before, wall - (before + after) // 2))
    return min(readings)[1]


def steal_percent(before: Any, now: Any) -> float:
    """Return the share of all CPU time between two psutil.cpu_times() that was stolen."""
    if not hasattr(now, "steal"):
        return 0.0
    # Time of guests is contained in user and nice already.
    names = [name for name in now._fields if not name.startswith("guest")]
    total = sum(getattr(now, name) - getattr(before, name) for name in names)
    return 100.0 * (now.steal - before.steal) / total if total > 0 else 0.0
