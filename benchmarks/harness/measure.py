"""One generator doing one job, measured from outside.

The server's counters say what happened and when; the kernel says what the generator's processes
used between two instants. What the generator says of itself is kept apart, to be compared.
"""

from __future__ import annotations

import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from harness import processes
from harness.generators import REPOSITORY, Generator, Reported
from harness.jobs import Job, Timing
from harness.processes import CpuSample
from harness.server import LIMIT_PROGRAMS, BenchmarkError, EchoServer, echo_server

POLL_S = 0.002
CONNECT_SLACK_S = 60.0
END_SLACK_S = 30.0
PROBE_CONNECTIONS = 100
PROBE_RATE_PER_S = 5


@dataclass(frozen=True)
class Pinning:
    """Which core the generator gets, and which the server and the harness share."""

    client: int
    server: int

    @classmethod
    def choose(cls) -> Pinning:
        """Take the first two cores; the same one twice where there is only one."""
        available = processes.cores()
        return cls(available[0], available[1] if len(available) > 1 else available[0])

    @property
    def shared(self) -> bool:
        """Say whether generator and server fight for one core."""
        return self.client == self.server


@dataclass
class Observation:
    """What one run showed. CPU in microseconds, of all processes and of the busiest one.

    ``waited_percent`` is the share of the window for which the generator's threads were ready to
    run and something else, or another of its threads, had the core.
    """

    job: str
    generator: str
    round: int
    error: str | None = None
    established: int = 0
    connect_us_all: float | None = None
    connect_us_busiest: float | None = None
    messages_per_s: float | None = None
    message_us_all: float | None = None
    message_us_busiest: float | None = None
    core_percent: float | None = None
    waited_percent: float | None = None
    server_core_percent: float | None = None
    pss_bytes: int | None = None
    probe_p50_ms: float | None = None
    probe_p99_ms: float | None = None
    steal_percent: float = 0.0
    server_errors: int = 0
    reported: Reported | None = None

    def to_dict(self) -> dict[str, object]:
        """Make an entry for the file of raw figures."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> Observation:
        """Read an entry back; raises TypeError when it is none."""
        said = entry["reported"]
        return cls(**{**entry, "reported": None if said is None else Reported(**said)})


class Watch:
    """A generator under observation."""

    def __init__(self, process: psutil.Popen, server: EchoServer, errors: Path) -> None:
        self.process = process
        self.server = server
        self._errors = errors

    def cpu(self) -> CpuSample:
        """Sample the CPU time of all its processes."""
        return processes.cpu_sample(processes.tree(self.process))

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float) -> None:
        """Poll until the condition holds; an error when the generator ends or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            if self.process.poll() is not None:
                raise BenchmarkError(f"ended before {what}: {self._last_words()}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"no {what} after {timeout_s:.0f} s")
            time.sleep(POLL_S)

    def wait_for_end(self, fine: Container[int], timeout_s: float) -> None:
        """Wait until the generator is through, with an exit code that is fine."""
        try:
            code = self.process.wait(timeout=timeout_s)
        except psutil.TimeoutExpired:
            raise BenchmarkError(f"did not end within {timeout_s:.0f} s") from None
        if code not in fine:
            raise BenchmarkError(f"exit code {code}: {self._last_words()}")

    def _last_words(self) -> str:
        lines = self._errors.read_text().strip().splitlines()
        return lines[-1][:200] if lines else "it said nothing"


@dataclass(frozen=True)
class Instant:
    """What has been counted up to one instant."""

    at_s: float
    messages: int
    cpu: CpuSample
    server_cpu: CpuSample

    @classmethod
    def take(cls, watch: Watch) -> Instant:
        """Read everything, the slow search for processes first."""
        family = processes.tree(watch.process)
        at_s, messages = time.monotonic(), watch.server.load().messages
        return cls(at_s, messages, processes.cpu_sample(family), watch.server.cpu())


def observe(
    generator: Generator, job: Job, timing: Timing, pinning: Pinning, round_number: int
) -> Observation:
    """Run the generator once; what goes wrong is told in ``error``, with what was seen so far."""
    seen = Observation(job.name, generator.name, round_number)
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        try:
            with echo_server([pinning.server], directory) as server:
                _observe_on(server, generator, job, timing, pinning, seen, directory)
                load = server.stop()["load"]
                seen.server_errors = load["errors"] + load["ended_otherwise"]
        except BenchmarkError as error:
            seen.error = str(error)
    return seen


def _observe_on(
    server: EchoServer,
    generator: Generator,
    job: Job,
    timing: Timing,
    pinning: Pinning,
    seen: Observation,
    directory: Path,
) -> None:
    stdout, stderr = directory / "stdout", directory / "stderr"
    argv = generator.command(job, timing, server.port, directory)
    started, stolen = time.monotonic(), processes.steal_s()
    with (
        stdout.open("w") as out,
        stderr.open("w") as err,
        processes.spawned(
            argv, pinned_to=[pinning.client], stdout=out, stderr=err, env=environment()
        ) as process,
    ):
        watch = Watch(process, server, stderr)
        _observe_connecting(watch, job, seen)
        if job.mode != "connect":
            _observe_messages(watch, job, timing, pinning, seen, directory)
        watch.wait_for_end(generator.exit_codes, timing.sending_s + END_SLACK_S)
    elapsed = (time.monotonic() - started) * (psutil.cpu_count() or 1)
    seen.steal_percent = 100 * (processes.steal_s() - stolen) / elapsed
    try:
        seen.reported = generator.report(stdout.read_text(), directory)
    except (KeyError, ValueError, OSError) as error:
        raise BenchmarkError(f"its report is not readable: {error!r}") from None


def environment() -> dict[str, str]:
    """Make the repository's own package importable for every generator."""
    inherited = os.environ.get("PYTHONPATH")
    path = str(REPOSITORY / "src")
    return {**os.environ, "PYTHONPATH": f"{path}:{inherited}" if inherited else path}


def _observe_connecting(watch: Watch, job: Job, seen: Observation) -> None:
    load = watch.server.load
    limit_s = job.connections / job.connect_rate + CONNECT_SLACK_S
    watch.wait_until(lambda: load().upgraded > 0, "connection", CONNECT_SLACK_S)
    before, already = watch.cpu(), load().upgraded
    try:
        watch.wait_until(lambda: load().upgraded >= job.connections, "full house", limit_s)
    finally:
        seen.established = load().upgraded
    if job.mode != "connect":
        return
    # The generator still has to read the last answers.
    time.sleep(0.1)
    used = processes.cpu_between(before, watch.cpu())
    more = load().upgraded - already
    seen.connect_us_all = 1e6 * sum(used.values()) / more
    seen.connect_us_busiest = 1e6 * max(used.values()) / more


def _observe_messages(
    watch: Watch, job: Job, timing: Timing, pinning: Pinning, seen: Observation, directory: Path
) -> None:
    watch.wait_until(lambda: watch.server.load().messages > 0, "message", CONNECT_SLACK_S)
    time.sleep(timing.settle_s)
    if job.mode != "paced":
        _observe_window(watch, timing, seen)
        return
    probe_out = directory / "probe"
    argv = _probe_command(watch.server.port, job, timing)
    core = [pinning.server]
    with (
        probe_out.open("w") as sink,
        processes.spawned(argv, pinned_to=core, stdout=sink, stderr=sink) as probe,
    ):
        _observe_window(watch, timing, seen)
        probe.wait(timeout=END_SLACK_S)
    latency = json.loads(probe_out.read_text())["latency_ms"]
    seen.probe_p50_ms, seen.probe_p99_ms = latency["p50"], latency["p99"]


def _observe_window(watch: Watch, timing: Timing, seen: Observation) -> None:
    began = Instant.take(watch)
    time.sleep(timing.window_s)
    ended = Instant.take(watch)
    seen.pss_bytes = processes.pss_bytes(processes.tree(watch.process))
    if watch.process.poll() is not None:
        raise BenchmarkError("ended before the window closed")
    messages = ended.messages - began.messages
    if messages == 0:
        raise BenchmarkError("no message in the window")
    window_s = ended.at_s - began.at_s
    used = processes.cpu_between(began.cpu, ended.cpu)
    server_used = processes.cpu_between(began.server_cpu, ended.server_cpu)
    seen.messages_per_s = messages / window_s
    seen.message_us_all = 1e6 * sum(used.values()) / messages
    seen.message_us_busiest = 1e6 * max(used.values()) / messages
    seen.core_percent = 100 * sum(used.values()) / window_s
    seen.waited_percent = 100 * processes.waited_between(began.cpu, ended.cpu) / window_s
    seen.server_core_percent = 100 * sum(server_used.values()) / window_s


def _probe_command(port: int, job: Job, timing: Timing) -> list[str]:
    """Run a light bare C client beside the server: what its answers really take."""
    options = {
        "port": port,
        "path": "/probe",
        "connections": PROBE_CONNECTIONS,
        "connect-rate": 1000,
        "rate": PROBE_RATE_PER_S,
        "warmup": 0.2,
        "seconds": max(0.5, timing.window_s - 0.5),
        "size": job.size_bytes,
    }
    argv = [f"--{name}={value}" for name, value in options.items()]
    return [str(LIMIT_PROGRAMS / "client"), *argv]
