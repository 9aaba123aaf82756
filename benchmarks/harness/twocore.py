"""The whole job on two cores: two workers and the embedded target, nothing pinned apart."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import processes
from harness.generators import Reported, Surgewire, read_surgewire_result
from harness.measure import environment
from harness.server import BenchmarkError
from harness.target import SURGEWIRE, serving

TITLE = "Two workers and the embedded target on the same two cores: 10,000 connections × 1/s"
CONNECTIONS = 10_000
P99_TO_REACH_MS = 5.0


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
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        log = directory / "log"
        with serving("echo", pinned, directory) as target, log.open("w") as sink:
            job = [*SURGEWIRE, "echo", f"ws://127.0.0.1:{target.port}/"]
            job += ["--connections", str(CONNECTIONS), "--rate", "1/s", "--processes", "2"]
            job += ["--duration", f"{seconds:g}s", "--quiet"]
            job += ["--json", str(directory / "result.json")]
            job += ["--runs-dir", str(directory / "runs")]
            with processes.spawned(
                job, pinned_to=pinned, stdout=sink, stderr=sink, env=environment()
            ) as generator:
                code = generator.wait(timeout=seconds + 120)
        if code not in Surgewire.exit_codes:
            raise BenchmarkError(f"exit code {code}: {log.read_text().strip()[-300:]}")
        result = json.loads((directory / "result.json").read_text())
    return read_surgewire_result(result)
