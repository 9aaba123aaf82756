"""Processes on a given core, and what they use, read from the kernel and not from themselves."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

END_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class CpuSample:
    """CPU time used so far by each thread (ns) and by each process (s, in ticks of 10 ms).

    ``waited_ns`` is for how long threads that could run had to wait for a core.
    """

    threads_ns: Mapping[int, Mapping[int, int]]
    waited_ns: Mapping[int, int]
    ticks_s: Mapping[int, float]


def cores() -> list[int]:
    """List the cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def spawned(
    argv: Sequence[str],
    *,
    pinned_to: Sequence[int],
    stdout: IO[str],
    stderr: IO[str],
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Iterator[psutil.Popen]:
    """Run a process and its children on the given cores; all of them are gone on leaving.

    The affinity is set before the fork, so that nothing ever runs elsewhere.
    """
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, pinned_to)
        process = psutil.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        family = tree(process)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        psutil.wait_procs(family, timeout=END_TIMEOUT_S)


def tree(root: psutil.Process) -> list[psutil.Process]:
    """List the process and all that descend from it; nothing when it has ended."""
    try:
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_sample(processes: Sequence[psutil.Process]) -> CpuSample:
    """Read the CPU time of the processes; those that have ended are left out."""
    threads: dict[int, dict[int, int]] = {}
    waited: dict[int, int] = {}
    ticks: dict[int, float] = {}
    for process in processes:
        try:
            times = process.cpu_times()
            threads[process.pid], waited[process.pid] = _thread_times_ns(process.pid)
            ticks[process.pid] = times.user + times.system
        except (psutil.NoSuchProcess, OSError):
            threads.pop(process.pid, None)
    return CpuSample(threads, waited, ticks)


def _thread_times_ns(pid: int) -> tuple[dict[int, int], int]:
    times, waited_ns = {}, 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            ran, waited, _ = (task / "schedstat").read_text().split()
            times[int(task.name)] = int(ran)
            waited_ns += int(waited)
    return times, waited_ns


def cpu_between(earlier: CpuSample, later: CpuSample) -> dict[int, float]:
    """Tell how many seconds of CPU each process used between two samples.

    Taken from the scheduler's nanoseconds per thread; from the process's ticks instead where a
    thread has ended in between, because its nanoseconds went with it.
    """
    used = {}
    for pid, ticks in later.ticks_s.items():
        ticks_s = ticks - earlier.ticks_s.get(pid, 0.0)
        before, after = earlier.threads_ns.get(pid, {}), later.threads_ns.get(pid, {})
        threads_s = sum(now - before.get(tid, 0) for tid, now in after.items()) / 1e9
        complete = before.keys() <= after.keys() and ticks_s < threads_s * 1.05 + 0.03
        used[pid] = threads_s if complete else ticks_s
    return used


def waited_between(earlier: CpuSample, later: CpuSample) -> float:
    """Tell for how many seconds threads waited for a core between two samples."""
    pids = earlier.waited_ns.keys() & later.waited_ns.keys()
    return sum(later.waited_ns[pid] - earlier.waited_ns[pid] for pid in pids) / 1e9


def pss_bytes(processes: Sequence[psutil.Process]) -> int:
    """Add up the memory of the processes, pages that several share counted once."""
    total = 0
    for process in processes:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def steal_s() -> float:
    """Read how much CPU time the hypervisor has taken from this machine so far."""
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
