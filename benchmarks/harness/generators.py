"""The generators that speak for themselves: bare C client, Surgewire, Python clients.

A generator turns a job into a command line and its report into a :class:`Reported`. What others
install lies in :mod:`harness.external`.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.jobs import Job, Timing
from harness.server import LIMIT_PROGRAMS

BENCHMARKS = Path(__file__).parents[1]
REPOSITORY = BENCHMARKS.parent


@dataclass(frozen=True)
class Reported:
    """What a generator says of its own run; None where it does not say."""

    established: int | None = None
    sent: int | None = None
    delivered: int | None = None
    lost: int | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    doubts: Sequence[str] = ()


class Generator(Protocol):
    """One load generator; ``exit_codes`` are those with which its report is whole."""

    name: str
    exit_codes: frozenset[int]

    def version(self) -> str | None:
        """Find its version; None when it is not installed."""

    def supports(self, job: Job) -> bool:
        """Say whether it can do the job."""

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Give the command line; files that it needs or writes lie in the directory."""

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read what it says after the run; ValueError, KeyError when that is not readable."""


def job_options(job: Job, timing: Timing, port: int) -> list[str]:
    """Give the options that the bare C client and the Python peers share."""
    options = ["--port", str(port), "--mode", job.mode, "--connections", str(job.connections)]
    options += ["--connect-rate", str(job.connect_rate), "--size", str(job.size_bytes)]
    if job.mode == "connect":
        return [*options, "--hold", str(timing.hold_s)]
    rate = ["--rate", str(job.rate)] if job.mode == "paced" else []
    seconds = timing.window_s + timing.margin_s
    return [*options, *rate, "--warmup", str(timing.settle_s), "--seconds", str(seconds)]


def read_job_report(stdout: str) -> Reported:
    """Read the JSON object that the bare C client and the Python peers print."""
    said = json.loads(stdout)
    latency = said["latency_ms"]
    lost = said["sent"] - said["delivered"]
    return Reported(
        established=said["established"],
        sent=said["sent"],
        delivered=said["delivered"],
        lost=lost,
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        doubts=[f"unexpected {said['unexpected']}"] if said["unexpected"] else (),
    )


class Limit:
    """The bare C epoll client."""

    name = "bare C"
    exit_codes = frozenset({0})

    def version(self) -> str | None:
        """Name the compiler, which is all that can differ."""
        compiler = subprocess.run(["cc", "--version"], capture_output=True, text=True, check=True)
        return compiler.stdout.splitlines()[0]

    def supports(self, job: Job) -> bool:
        """Do all jobs."""
        return bool(job)

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Run one process; nothing is written to the directory."""
        del directory
        return [str(LIMIT_PROGRAMS / "client"), *job_options(job, timing, port)]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read what it printed."""
        del directory
        return read_job_report(stdout)


class PythonPeer:
    """One of the scripts in ``benchmarks/peers``."""

    exit_codes = frozenset({0})

    def __init__(self, library: str) -> None:
        self.name = library

    def version(self) -> str | None:
        """Name the library's version and that of uvloop under it."""
        try:
            library = importlib.metadata.version(self.name)
            return f"{library} on uvloop {importlib.metadata.version('uvloop')}"
        except importlib.metadata.PackageNotFoundError:
            return None

    def supports(self, job: Job) -> bool:
        """Do all jobs."""
        return bool(job)

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Run one process with one loop."""
        del directory
        script = BENCHMARKS / "peers" / f"{self.name}_client.py"
        return [sys.executable, str(script), *job_options(job, timing, port)]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read what it printed."""
        del directory
        return read_job_report(stdout)


class Surgewire:
    """Surgewire as its users run it, with one worker."""

    name = "Surgewire"
    exit_codes = frozenset({0, 99})

    def version(self) -> str | None:
        """Take the first line of ``surgewire version``."""
        argv = [sys.executable, "-m", "surgewire", "version"]
        said = subprocess.run(argv, capture_output=True, text=True, check=False)
        return said.stdout.splitlines()[0] if said.returncode == 0 and said.stdout else None

    def supports(self, job: Job) -> bool:
        """Do all jobs."""
        return bool(job)

    def command(self, job: Job, timing: Timing, port: int, directory: Path) -> list[str]:
        """Run ``surgewire echo`` or ``surgewire connect``."""
        argv = [sys.executable, "-m", "surgewire"]
        url = f"ws://127.0.0.1:{port}/"
        common = ["--processes", "1", "--quiet", "--json", str(directory / "result.json")]
        common += ["--runs-dir", str(directory / "runs")]
        rate = f"{job.connect_rate:g}/s"
        if job.mode == "connect":
            hold = f"{round(timing.hold_s * 1000)}ms"
            total = str(job.connections)
            argv += ["connect", url, "--rate", rate, "--total", total, "--hold", hold]
            return [*argv, *common]
        pace = ["--pingpong"] if job.mode == "pingpong" else ["--rate", f"{job.rate:g}/s"]
        seconds = round((timing.window_s + timing.margin_s) * 1000)
        argv += ["echo", url, "--connections", str(job.connections), "--connect-rate", rate, *pace]
        argv += ["--size", str(job.size_bytes), "--warmup", f"{round(timing.settle_s * 1000)}ms"]
        return [*argv, "--duration", f"{seconds}ms", "--drain", "2s", *common]

    def report(self, stdout: str, directory: Path) -> Reported:
        """Read the JSON result."""
        del stdout
        return read_surgewire_result(json.loads((directory / "result.json").read_text()))


def read_surgewire_result(result: dict[str, Any]) -> Reported:
    """Pick the figures of a result that a benchmark compares."""
    delivery, latency = result["delivery"], result["metrics"]["message_latency"]
    return Reported(
        established=result["connections"]["established"],
        sent=delivery["sent"],
        delivered=delivery["delivered"],
        lost=delivery["lost"] + delivery["lost_to_disconnect"],
        p50_ms=latency["p50"],
        p99_ms=latency["p99"],
        doubts=[doubt["code"] for doubt in result["doubts"]],
    )


def own_generators() -> list[Generator]:
    """Give all, the bare C client first, because the others are compared with it."""
    peers = [PythonPeer(library) for library in ("picows", "aiohttp", "websockets")]
    return [Limit(), Surgewire(), *peers]
