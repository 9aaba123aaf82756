"""The embedded targets as benchmarks use them: started on given cores, ended with the benchmark."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from harness import processes
from harness.measure import environment
from harness.server import BenchmarkError

SURGEWIRE = (sys.executable, "-m", "surgewire")
START_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Target:
    """A running target and where it listens."""

    process: psutil.Popen
    port: int

    def descriptors(self) -> int:
        """Count the open descriptors of all its processes: one for each connection, and some."""
        return sum(process.num_fds() for process in processes.tree(self.process))

    def cpu(self) -> processes.CpuSample:
        """Sample the CPU time of all its processes."""
        return processes.cpu_sample(processes.tree(self.process))


@contextlib.contextmanager
def serving(
    kind: str, pinned_to: Sequence[int], directory: Path, *options: str
) -> Iterator[Target]:
    """Run ``surgewire serve KIND`` on a free port; its output lies in the directory."""
    argv = [*SURGEWIRE, "serve", kind, "--port", "0", *options]
    output, problems = directory / "target.out", directory / "target.err"
    with (
        output.open("w") as out,
        problems.open("w") as err,
        processes.spawned(
            argv, pinned_to=pinned_to, stdout=out, stderr=err, env=environment()
        ) as process,
    ):
        yield Target(process, _wait_for_port(process, output, problems))


def _wait_for_port(process: psutil.Popen, output: Path, problems: Path) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        line, newline, _ = output.read_text().partition("\n")
        if newline and line.startswith("listening on "):
            return int(line.rstrip("/").rpartition(":")[2])
        time.sleep(0.02)
    raise BenchmarkError(f"the target did not start: {problems.read_text().strip()[-300:]}")
