"""The machine that the tests run on: whether it let the programs run when they wanted to."""

import os
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PRIORITY = 10
MAX_WAIT_US = 100.0
"""A quiet machine lets a process run within a few microseconds of its waking."""
MAX_STEAL_PERCENT = 1.0
MAX_SLEEPER_LATE_MS = 0.1
"""Half of what a percentile may be off."""

# A bystander that does nothing but sleep for a millisecond and look how late it is; it goes before
# all others where that is allowed, so only the machine can make it late. Ends with its input.
_SLEEPER = """
import os, select, sys, time
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(20))
except (AttributeError, PermissionError):
    pass
late = []
while not select.select([sys.stdin], [], [], 0)[0]:
    due = time.monotonic_ns() + 1_000_000
    time.sleep(0.001)
    late.append(time.monotonic_ns() - due)
late.sort()
print(late[len(late) * 99 // 100] / 1e6 if late else 0)
"""


def favour(pids: Iterable[int]) -> bool:
    """Let processes run before all others, as on a machine of their own; False if not allowed."""
    try:
        for pid in pids:
            os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(_PRIORITY))
    except (PermissionError, AttributeError):
        return False
    return True


def loaded() -> bool:
    """Tell whether other work is going on, so that a program cannot expect to run when it likes."""
    return os.getloadavg()[0] > (os.cpu_count() or 1) / 2


class Disturbance:
    """What others took from some processes while these were watched.

    Look often: of a process that has ended, the last look counts.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self._first = {pid: seen for pid in pids if (seen := _waits(pid)) is not None}
        self._last = dict(self._first)
        self._ticks = _ticks()
        self._sleeper = subprocess.Popen(
            [sys.executable, "-I", "-c", _SLEEPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def look(self) -> None:
        for pid in self._first:
            seen = _waits(pid)
            if seen is not None:
                self._last[pid] = seen

    def found(self) -> str | None:
        """Say what disturbed; None when nothing worth a word did. Ends the watch."""
        late_ms = float(self._sleeper.communicate()[0])
        if late_ms > MAX_SLEEPER_LATE_MS:
            return f"a bystander woke up late, p99 {late_ms:.3f} ms"
        for pid, (waited_ns, turns) in self._last.items():
            first_ns, first_turns = self._first[pid]
            mean_us = (waited_ns - first_ns) / 1e3 / max(1, turns - first_turns)
            if mean_us > MAX_WAIT_US:
                return f"a process waited {mean_us:,.0f} µs for a core each time it woke"
        stolen, total = (now - then for now, then in zip(_ticks(), self._ticks, strict=True))
        if total and 100 * stolen / total > MAX_STEAL_PERCENT:
            return f"the hypervisor took {100 * stolen / total:.1f} % of the time"
        return None


def _waits(pid: int) -> tuple[int, int] | None:
    """Time that a process was ready and did not run, in ns, and how often it ran."""
    with suppress(OSError, ValueError):
        _, waited_ns, turns = Path(f"/proc/{pid}/schedstat").read_text().split()
        return int(waited_ns), int(turns)
    return None


def _ticks() -> tuple[int, int]:
    """Stolen and all ticks of all cores."""
    with suppress(OSError, ValueError):
        first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        return int(first[7]), sum(map(int, first[:8]))
    return 0, 0
