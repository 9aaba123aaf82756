"""What the worker processes use: CPU time and memory."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from surgewire.results.record import WorkerSample

# The kernel walks over all pages of a process to tell its proportional share.
_PSS_EVERY_NS = 5_000_000_000
# CPU time is told in ticks of 10 ms: over less than this, they say nothing.
_SHORTEST_NS = 250_000_000


class Process(Protocol):
    """What is to be known of a worker here."""

    @property
    def worker(self) -> int:
        """The worker's number."""

    @property
    def pid(self) -> int:
        """The id of its process."""

    @property
    def alive(self) -> bool:
        """Whether the process has not ended yet."""


class _Usage:
    """CPU time and memory of one process, from one sample to the next."""

    def __init__(self, process: Process, now_ns: int) -> None:
        self.process = process
        # Taken while the process is ours and not waited for, so the id cannot mean another one.
        self._ps = psutil.Process(process.pid)
        self._cpu_s = 0.0
        with contextlib.suppress(psutil.Error):
            self._cpu_s = self._cpu_seconds()
        self._at_ns = now_ns
        self._percent = 0.0
        self._rss_bytes = 0
        self._pss_bytes: int | None = None
        self._pss_due_ns = now_ns

    def sample(self, now_ns: int, open_now: int) -> WorkerSample:
        alive = self.process.alive
        percent = 0.0
        if alive:
            with contextlib.suppress(psutil.Error):
                percent = self._cpu_percent(now_ns)
                self._rss_bytes = self._ps.memory_info().rss
                self._renew_pss(now_ns)
        return WorkerSample(
            worker=self.process.worker,
            pid=self.process.pid,
            alive=alive,
            cpu_percent=percent,
            rss_bytes=self._rss_bytes if alive else 0,
            pss_bytes=self._pss_bytes if alive else None,
            open=open_now,
        )

    def _cpu_percent(self, now_ns: int) -> float:
        elapsed_ns = now_ns - self._at_ns
        if elapsed_ns >= _SHORTEST_NS:
            cpu_s = self._cpu_seconds()
            self._percent = round(100e9 * (cpu_s - self._cpu_s) / elapsed_ns, 1)
            self._cpu_s, self._at_ns = cpu_s, now_ns
        return self._percent

    def _cpu_seconds(self) -> float:
        times = self._ps.cpu_times()
        return times.user + times.system

    def _renew_pss(self, now_ns: int) -> None:
        if now_ns >= self._pss_due_ns:
            self._pss_bytes = read_pss(self.process.pid)
            self._pss_due_ns = now_ns + _PSS_EVERY_NS


class Vitals:
    """Samples of all workers, each since the one before."""

    def __init__(self, processes: Sequence[Process], open_of: Callable[[int], int]) -> None:
        """Watch `processes`; `open_of` tells how many connections a worker has open."""
        now_ns = time.monotonic_ns()
        self._usages = [_Usage(process, now_ns) for process in processes]
        self._open_of = open_of

    def take(self, now_ns: int) -> tuple[WorkerSample, ...]:
        """Return a sample of each worker, at the instant `now_ns`."""
        return tuple(
            usage.sample(now_ns, self._open_of(usage.process.worker)) for usage in self._usages
        )


def read_pss(pid: int) -> int | None:
    """Return the proportional set size of a process in bytes; None where it is not told."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    for line in text.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return None
