"""The common target: the bare C echo server, and the counters that it shares."""

from __future__ import annotations

import contextlib
import json
import mmap
import signal
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness import processes

LIMIT_SOURCES = Path(__file__).parents[1] / "limit"
LIMIT_PROGRAMS = Path(__file__).parents[2] / "build" / "limit"
START_TIMEOUT_S = 10.0


class BenchmarkError(Exception):
    """The measurement could not be made; the message says why."""


@dataclass(frozen=True)
class Counters:
    """One group of counters, in the order of ``benchmarks/limit/counters.h``."""

    upgraded: int
    open: int
    messages: int
    bytes: int
    ended_clean: int
    ended_otherwise: int
    errors: int
    first_accept_ns: int


COUNTERS_STRUCT = struct.Struct("=8Q")


def build_limit(*targets: str) -> None:
    """Compile the bare client and server, or what is named, where they are out of date."""
    made = subprocess.run(
        ["make", "-s", "-C", str(LIMIT_SOURCES), *targets],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise BenchmarkError(f"benchmarks/limit does not build:\n{made.stderr.strip()}")


class EchoServer:
    """A running echo server."""

    def __init__(self, process: psutil.Popen, port: int, shared: mmap.mmap, output: Path) -> None:
        self.process = process
        self.port = port
        self._shared = shared
        self._output = output

    def load(self) -> Counters:
        """Read what the generator under test has done so far."""
        return Counters(*COUNTERS_STRUCT.unpack_from(self._shared, 0))

    def cpu(self) -> processes.CpuSample:
        """Sample the CPU time of the server."""
        return processes.cpu_sample([self.process])

    def stop(self) -> dict[str, Any]:
        """End the server; returns what it printed: CPU time and both groups of counters."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(timeout=10) != 0:
            raise BenchmarkError("the echo server failed: " + self._output.read_text().strip())
        summary: dict[str, Any] = json.loads(self._output.read_text().splitlines()[-1])
        return summary


@contextlib.contextmanager
def echo_server(
    pinned_to: Sequence[int], directory: Path, program: str = "server", options: Sequence[str] = ()
) -> Iterator[EchoServer]:
    """Run a fresh echo server on a free port, its counters in a file in the directory."""
    counters, output = directory / "counters", directory / "server.out"
    argv = [str(LIMIT_PROGRAMS / program), "--counters", str(counters), *options]
    with (
        output.open("w") as sink,
        processes.spawned(argv, pinned_to=pinned_to, stdout=sink, stderr=sink) as process,
    ):
        port = _wait_for_port(process, output)
        with (
            counters.open("rb") as file,
            mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as shared,
        ):
            yield EchoServer(process, port, shared, output)


def _wait_for_port(process: psutil.Popen, output: Path) -> int:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        line, newline, _ = output.read_text().partition("\n")
        if newline and line.startswith("listening on port "):
            return int(line.split()[-1])
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise BenchmarkError("the echo server did not start: " + output.read_text().strip())
