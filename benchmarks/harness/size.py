"""How large it gets: many deliveries, one large room, many connections, on all cores together."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import processes
from harness.measure import environment
from harness.server import BenchmarkError
from harness.target import SURGEWIRE, Target, serving

END_SLACK_S = 180.0
# What to try where the whole rate does not hold, as shares of it.
STEPS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)


@dataclass(frozen=True)
class SizeRun:
    """The result of a run, and the CPU of both sides in seconds over ``wall_s``."""

    result: dict[str, Any]
    wall_s: float
    generator_cpu_s: float
    target_cpu_s: float

    def account(self) -> str:
        """Say what was delivered, and what the run itself doubts."""
        told = self.result["delivery"]
        doubts = ", ".join(doubt["code"] for doubt in self.result["doubts"]) or "no doubt"
        return (
            f"{told['sent']:,} sent, {told['expected']:,} expected, {told['delivered']:,} "
            f"delivered, {told['lost'] + told['lost_to_disconnect']:,} lost; {doubts}"
        )

    def cpu(self) -> str:
        """Say what both sides used."""
        return (
            f"CPU of the whole run: tester {self.generator_cpu_s:.1f} s, "
            f"target {self.target_cpu_s:.1f} s, in {self.wall_s:.0f} s"
        )


def run_job(
    kind: str, target_options: Sequence[str], job: Sequence[str], seconds: float, path: str = "/"
) -> SizeRun:
    """Run ``surgewire JOB[0] URL JOB[1:]`` against ``surgewire serve KIND`` on all cores."""
    everywhere = processes.cores()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with serving(kind, everywhere, directory, *target_options) as target:
            url = f"ws://127.0.0.1:{target.port}{path}"
            argv = [*SURGEWIRE, job[0], url, *job[1:], "--quiet"]
            argv += ["--json", str(directory / "result.json")]
            argv += ["--runs-dir", str(directory / "runs")]
            return _watched(argv, everywhere, target, directory, seconds)


def _watched(
    argv: Sequence[str], cores: Sequence[int], target: Target, directory: Path, seconds: float
) -> SizeRun:
    log = directory / "log"
    before, began = target.cpu(), time.monotonic()
    with (
        log.open("w") as sink,
        processes.spawned(
            argv, pinned_to=cores, stdout=sink, stderr=sink, env=environment()
        ) as process,
    ):
        code = process.wait(timeout=seconds + END_SLACK_S)
    wall_s = time.monotonic() - began
    if code not in (0, 99):
        raise BenchmarkError(f"exit code {code}: {log.read_text().strip()[-300:]}")
    result = json.loads((directory / "result.json").read_text())
    return SizeRun(
        result,
        wall_s,
        sum(result["generator"]["cpu_seconds"]),
        sum(processes.cpu_between(before, target.cpu()).values()),
    )


def sustained(seconds: float) -> list[str]:
    """100 rooms of 100, 100,000 deliveries a second, or the highest share of it that holds."""
    lines = []
    for share in STEPS:
        rate = 0.1 * share
        job = ["chat", "--connections", "10000", "--rooms", "100", "--rate", f"{rate:g}/s"]
        job += ["--duration", f"{seconds:g}s", "--ramp", "10s"]
        run = run_job("chat", [], job, seconds, "/?room={{room}}")
        told = run.result["delivery"]
        per_s = told["delivered"] / run.result["duration_s"]
        lines.append(
            f"- {1000 * share:,.0f} messages/s in, {seconds:g} s: {run.account()}; "
            f"{per_s:,.0f} deliveries/s; {_latency(run.result)}; {run.cpu()}"
        )
        if told["delivered"] == told["expected"] and not told["skipped"]:
            break
    return lines


def big_room(seconds: float) -> list[str]:
    """One room of 10,000, one message a second."""
    job = ["chat", "--connections", "10000", "--rooms", "1", "--senders", "0.01%"]
    job += ["--rate", "1/s", "--duration", f"{seconds:g}s", "--ramp", "10s"]
    run = run_job("chat", [], job, seconds, "/?room={{room}}")
    told = run.result["delivery"]
    spread = ", ".join(
        f"{name.removeprefix('fanout_')} subscriber p50 {_ms(run.result, name, 'p50')}"
        for name in ("fanout_first", "fanout_median", "fanout_last")
    )
    complete = f"{told['complete']:,} of {told['sent']:,} messages reached all"
    return [f"- {run.account()}; {complete}; {spread}; {run.cpu()}"]


def held(connections: int, seconds: float, workers: int) -> list[str]:
    """Many connections from one host, held with pings on."""
    job = ["connect", "--total", str(connections), "--rate", "2000/s", "--ping", "20s"]
    job += ["--hold", f"{seconds:g}s", "--processes", str(workers)]
    limit_s = seconds + connections / 2000
    run = run_job("echo", ["--processes", str(workers)], job, limit_s)
    made, pings = run.result["connections"], run.result["pings"]
    per_connection = run.result["generator"]["memory_per_connection_bytes"]
    return [
        f"- {made['established']:,} of {connections:,} established, peak {made['peak_open']:,}, "
        f"{sum(made['closed'].values()):,} ended before {seconds:g} s were over; "
        f"{pings['sent']:,} pings, {pings['answered']:,} answered; "
        f"{per_connection:,} bytes of the tester for each connection; {run.cpu()}"
    ]


def _latency(result: dict[str, Any]) -> str:
    return (
        f"p50 {_ms(result, 'message_latency', 'p50')}, p99 {_ms(result, 'message_latency', 'p99')}"
    )


def _ms(result: dict[str, Any], metric: str, percentile: str) -> str:
    value = result["metrics"][metric][percentile]
    return "–" if value is None else f"{value:.3f} ms"
