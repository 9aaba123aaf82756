"""What a delivery costs: one message into a room, read by each of its members.

The bare C client only reads and counts; Surgewire finds the marker, keeps the ledger and records
latencies. Both do the same job in the same round against the embedded chat target, each side on a
core of its own.
"""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness import processes
from harness.measure import Pinning, environment
from harness.server import LIMIT_PROGRAMS, BenchmarkError
from harness.target import SURGEWIRE, Target, serving

RATIO_TO_REACH = 1.3
BARE_C, OURS = "bare C", "Surgewire"
SETTLE_S = 2.0
MARGIN_S = 1.0
CONNECT_RATE_PER_S = 2000
CONNECT_SLACK_S = 30.0
END_SLACK_S = 30.0


@dataclass(frozen=True)
class FanoutJob:
    """Rooms of one size, and how many messages a second go into all of them together."""

    name: str
    connections: int
    rooms: int
    messages_per_s: int

    @property
    def deliveries_per_s(self) -> int:
        """How many deliveries a second come out."""
        return self.messages_per_s * self.connections // self.rooms

    @property
    def title(self) -> str:
        """Say what the job is."""
        size = self.connections // self.rooms
        return (
            f"{self.connections:,} connections, {self.rooms:,} rooms of {size:,}, "
            f"{self.messages_per_s:,} messages/s in, {self.deliveries_per_s:,} deliveries/s out"
        )


FANOUT_JOBS = (
    FanoutJob("fanout-1k", 1_000, 10, 500),
    FanoutJob("fanout-10k", 10_000, 100, 500),
)


@dataclass(frozen=True)
class FanoutRun:
    """CPU of one generator for one delivery; ``error`` says why a run is not to be used."""

    job: str
    generator: str
    round_number: int
    delivery_us: float | None = None
    core_percent: float | None = None
    target_core_percent: float | None = None
    error: str | None = None

    def over(self, other: FanoutRun) -> float:
        """Give the ratio of its cost to that of another run; both went through."""
        return (self.delivery_us or math.nan) / (other.delivery_us or math.nan)

    def describe(self) -> str:
        """Write one line."""
        head = f"{self.job:10} round {self.round_number}  {self.generator:10}"
        if self.error is not None or self.delivery_us is None:
            return f"{head} did not go through: {self.error}"
        return (
            f"{head} {self.delivery_us:5.2f} µs/delivery, core {self.core_percent:.0f} %, "
            f"target {self.target_core_percent:.0f} %"
        )


def observe(job: FanoutJob, generator: str, round_number: int, window_s: float) -> FanoutRun:
    """Make one run; what goes wrong is told in ``error``."""
    run = FanoutRun(job.name, generator, round_number)
    try:
        return dataclasses.replace(run, **_measured(job, generator, window_s))
    except BenchmarkError as error:
        return dataclasses.replace(run, error=str(error))


def _measured(job: FanoutJob, generator: str, window_s: float) -> dict[str, float]:
    pinning = Pinning.choose()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with serving("chat", [pinning.server], directory) as target:
            argv = _command(job, generator, target.port, directory, window_s)
            output = directory / "generator.out"
            with (
                output.open("w") as sink,
                processes.spawned(
                    argv, pinned_to=[pinning.client], stdout=sink, stderr=sink, env=environment()
                ) as process,
            ):
                figures = _window(job, process, target, window_s)
                if process.wait(timeout=END_SLACK_S) != 0:
                    raise BenchmarkError(f"it failed: {output.read_text().strip()[-300:]}")
            _check_account(job, generator, output, directory)
    return figures


def _command(
    job: FanoutJob, generator: str, port: int, directory: Path, window_s: float
) -> list[str]:
    rate = job.messages_per_s / job.connections
    seconds = SETTLE_S + window_s + MARGIN_S
    if generator == BARE_C:
        options = {
            "port": port,
            "mode": "room",
            "connections": job.connections,
            "rooms": job.rooms,
            "connect-rate": CONNECT_RATE_PER_S,
            "rate": rate,
            "seconds": seconds,
        }
        argv = [f"--{name}={value}" for name, value in options.items()]
        return [str(LIMIT_PROGRAMS / "client"), *argv]
    url = f"ws://127.0.0.1:{port}/?room={{{{room}}}}"
    argv = [*SURGEWIRE, "chat", url, "--connections", str(job.connections)]
    argv += ["--rooms", str(job.rooms), "--rate", f"{rate:g}/s", "--processes", "1"]
    argv += ["--connect-rate", f"{CONNECT_RATE_PER_S}/s", "--size", "64"]
    argv += ["--duration", f"{round(seconds * 1000)}ms", "--drain", "2s", "--quiet"]
    argv += ["--json", str(directory / "result.json"), "--runs-dir", str(directory / "runs")]
    return argv


def _window(
    job: FanoutJob, process: psutil.Popen, target: Target, window_s: float
) -> dict[str, float]:
    """Wait until messages flow, then take CPU times at both ends of a window."""
    _wait_until_busy(process, target, job)
    time.sleep(SETTLE_S)
    family = processes.tree(process)
    began, before, target_before = time.monotonic(), processes.cpu_sample(family), target.cpu()
    time.sleep(window_s)
    after, target_after, elapsed = (
        processes.cpu_sample(family),
        target.cpu(),
        time.monotonic() - began,
    )
    if process.poll() is not None:
        raise BenchmarkError("ended before the window closed")
    used = sum(processes.cpu_between(before, after).values())
    target_used = sum(processes.cpu_between(target_before, target_after).values())
    return {
        "delivery_us": 1e6 * used / (elapsed * job.deliveries_per_s),
        "core_percent": 100 * used / elapsed,
        "target_core_percent": 100 * target_used / elapsed,
    }


def _wait_until_busy(process: psutil.Popen, target: Target, job: FanoutJob) -> None:
    """Wait for the connects, then for the target to be sending."""
    deadline = time.monotonic() + job.connections / CONNECT_RATE_PER_S + CONNECT_SLACK_S
    while target.descriptors() <= job.connections:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError("the connections were not established")
        time.sleep(0.25)
    time.sleep(1.0)


def _check_account(job: FanoutJob, generator: str, output: Path, directory: Path) -> None:
    """Every message must have come to every member, or the figures compare different work."""
    receivers = job.connections // job.rooms
    if generator == BARE_C:
        said = json.loads(output.read_text())
        sent, delivered, established = said["sent"], said["delivered"], said["established"]
    else:
        result = json.loads((directory / "result.json").read_text())
        sent, delivered = result["delivery"]["sent"], result["delivery"]["delivered"]
        established = result["connections"]["established"]
    if established != job.connections or sent == 0 or delivered != sent * receivers:
        raise BenchmarkError(
            f"{established:,} connections, {sent:,} sent, {delivered:,} delivered; "
            f"{sent * receivers:,} were to be delivered"
        )


def table(runs: Sequence[FanoutRun]) -> list[str]:
    """Write the figures as a table in Markdown; ratios are those of one round."""
    lines = [
        "| job | generator | CPU per delivery | × bare C | core | core of the target |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for job in FANOUT_JOBS:
        of_job = [run for run in runs if run.job == job.name and run.delivery_us]
        limits = {run.round_number: run for run in of_job if run.generator == BARE_C}
        for generator in (BARE_C, OURS):
            chosen = [run for run in of_job if run.generator == generator]
            ratios = [
                run.over(limits[run.round_number]) for run in chosen if run.round_number in limits
            ]
            if chosen:
                lines.append(
                    f"| {job.title} | {generator} | {_middle(chosen, 'delivery_us', '.2f')} µs | "
                    f"{_spread(ratios)} | {_middle(chosen, 'core_percent', '.0f')} % | "
                    f"{_middle(chosen, 'target_core_percent', '.0f')} % |"
                )
    return lines


def _middle(runs: Sequence[FanoutRun], field: str, form: str) -> str:
    value: Any = statistics.median(getattr(run, field) for run in runs)
    return format(value, form)


def _spread(ratios: Sequence[float]) -> str:
    if not ratios:
        return "–"
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
