"""The whole job on two cores: two workers and the embedded target, nothing pinned apart."""

from __future__ import annotations

import json
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import processes
from harness.generators import Reported, Surgewire, read_surgewire_result
from harness.measure import environment
from harness.server import BenchmarkError

TITLE = "Two workers and the embedded target on the same two cores: 10,000 connections × 1/s"
CONNECTIONS = 10_000
P99_TO_REACH_MS = 5.0
START_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class TwoCoreRun:
    """What one run reported, or why it did not go through."""

    seconds: float
    reported: Reported | None = None
    error: str | None = None

    def shortcomings(self) -> list[str]:
        """List what fell short of the goal; nothing when all was reached."""
        said = self.reported
        if said is None:
            return [f"did not go through: {self.error}"]
        short = []
        if said.established != CONNECTIONS:
            short.append(f"{said.established} of {CONNECTIONS} established")
        if said.lost or said.delivered != said.sent:
            short.append(f"{said.delivered} of {said.sent} delivered")
        if said.p99_ms is None or said.p99_ms >= P99_TO_REACH_MS:
            short.append(f"p99 {said.p99_ms} ms")
        return short + [f"doubt {code}" for code in said.doubts]

    def describe(self) -> str:
        """Write one line."""
        said, short = self.reported, self.shortcomings()
        if said is None:
            return f"- {'; '.join(short)}"
        return (
            f"- {self.seconds:g} s: {said.established:,} established, {said.sent:,} sent, "
            f"{said.delivered:,} delivered, {said.lost:,} lost, p50 {said.p50_ms} ms, "
            f"p99 {said.p99_ms} ms: {'falls short: ' if short else 'goal reached'}"
            + "; ".join(short)
        )

    @classmethod
    def from_dict(cls, entry: dict[str, Any]) -> TwoCoreRun:
        """Read an entry of the raw figures back; raises TypeError when it is none."""
        said = entry["reported"]
        return cls(**{**entry, "reported": None if said is None else Reported(**said)})


def observe(seconds: float) -> TwoCoreRun:
    """Start the target, run the job against it; what goes wrong is told in ``error``."""
    try:
        return TwoCoreRun(seconds, reported=_run(seconds))
    except BenchmarkError as error:
        return TwoCoreRun(seconds, error=str(error))


def _run(seconds: float) -> Reported:
    pinned = processes.cores()[:2]
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        surgewire = [sys.executable, "-m", "surgewire"]
        target = [*surgewire, "serve", "echo", "--port", str(port)]
        job = [*surgewire, "echo", f"ws://127.0.0.1:{port}/", "--connections", str(CONNECTIONS)]
        job += ["--rate", "1/s", "--duration", f"{seconds:g}s", "--processes", "2", "--quiet"]
        job += ["--json", str(directory / "result.json"), "--runs-dir", str(directory / "runs")]
        log = directory / "log"
        with (
            log.open("w") as sink,
            processes.spawned(
                target, pinned_to=pinned, stdout=sink, stderr=sink, env=environment()
            ) as server,
        ):
            _wait_for_listener(port, lambda: server.poll() is not None, log)
            with processes.spawned(
                job, pinned_to=pinned, stdout=sink, stderr=sink, env=environment()
            ) as generator:
                code = generator.wait(timeout=seconds + 120)
        if code not in Surgewire.exit_codes:
            raise BenchmarkError(f"exit code {code}: {log.read_text().strip()[-300:]}")
        result = json.loads((directory / "result.json").read_text())
    return read_surgewire_result(result)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_listener(port: int, ended: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and not ended():
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkError(f"the target did not start: {log.read_text().strip()[-300:]}")
