"""What the process under test uses: CPU time and memory, its children included."""

import contextlib
import os
import time

import psutil

from surgewire.errors import SurgewireError, UsageError
from surgewire.results.record import TargetSample

# CPU time is told in ticks of 10 ms: over less than this, it says nothing.
_SHORTEST_NS = 250_000_000


class TargetMeter:
    """Samples of one process and all that descend from it, each since the one before.

    Once the process has ended it stays gone, also when another one gets its id.
    """

    def __init__(self, pid: int) -> None:
        """Watch the process `pid` from now on.

        Raises UsageError when there is none or when it is not the target's, SurgewireError when it
        may not be looked at.
        """
        self.pid = pid
        self._cpu_s: dict[psutil.Process, float] = {}
        self._at_ns = time.monotonic_ns()
        self._percent = 0.0
        try:
            # Remembers when the process began, and so knows it from a later one of that id.
            self._process = psutil.Process(pid)
            if pid in (os.getpid(), *(parent.pid for parent in psutil.Process().parents())):
                raise UsageError(
                    f"--target-pid: process {pid} started this run, and is not its target; "
                    "write the id of the server's process"
                )
            self._cpu_s = self._read()[0]
        except psutil.AccessDenied:
            raise SurgewireError(
                f"--target-pid: process {pid} is another user's and may not be looked at; "
                "run as that user, or leave the option out"
            ) from None
        # Ids of a process may be too large for the system's type as well.
        except (psutil.Error, OverflowError, ValueError):
            raise UsageError(
                f"--target-pid: no process has the id {pid}; write the id of the server's process"
            ) from None

    def take(self, now_ns: int) -> TargetSample:
        """Return a sample, at the instant `now_ns`."""
        try:
            cpu_s, rss_bytes = self._read()
        except psutil.Error:
            self._cpu_s = {}
            return TargetSample(pid=self.pid, alive=False, cpu_percent=0.0, rss_bytes=0)
        elapsed_ns = now_ns - self._at_ns
        if elapsed_ns >= _SHORTEST_NS:
            # Who was not there the last time has used all its time since then.
            used_s = sum(used - self._cpu_s.get(process, 0.0) for process, used in cpu_s.items())
            self._percent = round(100e9 * used_s / elapsed_ns, 1)
            self._cpu_s, self._at_ns = cpu_s, now_ns
        return TargetSample(
            pid=self.pid, alive=True, cpu_percent=self._percent, rss_bytes=rss_bytes
        )

    def _read(self) -> tuple[dict[psutil.Process, float], int]:
        """Return the CPU time in s of each process, and the resident bytes of all of them."""
        if not self._process.is_running() or self._process.status() == psutil.STATUS_ZOMBIE:
            raise psutil.NoSuchProcess(self.pid)
        cpu_s, rss_bytes = _usage(self._process)
        used = {self._process: cpu_s}
        for child in self._process.children(recursive=True):
            # Children come and go between the asking and the looking.
            with contextlib.suppress(psutil.Error):
                used[child], resident = _usage(child)
                rss_bytes += resident
        return used, rss_bytes


def _usage(process: psutil.Process) -> tuple[float, int]:
    with process.oneshot():
        times = process.cpu_times()
        return times.user + times.system, process.memory_info().rss
