"""Connections over TLS beside ``openssl s_time``, and messages beside other clients."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import trustme

from harness import processes
from harness.generators import Generator, PythonPeer, Surgewire
from harness.jobs import Job, Timing
from harness.measure import Pinning
from harness.server import BenchmarkError, EchoServer, echo_server

OPENSSL = "openssl s_time"
OURS = "Surgewire"
CONNECTION_RATIO_TO_REACH = 1.5
CONNECT_RATE = {"new": 800, "resumed": 1200}
CASES = [(version, kind) for version in ("1.3", "1.2") for kind in ("new", "resumed")]
JOBS = [
    Job("pingpong", "ping-pong, 100 connections", "pingpong", 100, connect_rate=500),
    Job("paced", "1,000 connections × 5/s", "paced", 1_000, 5.0, connect_rate=500),
]
START_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Cost:
    """CPU of one connection or message in µs, by one generator in one round."""

    case: str
    generator: str
    round_number: int
    cpu_us: float

    def describe(self) -> str:
        """Write one line."""
        head = f"{self.case:16} round {self.round_number}  {self.generator:14}"
        return f"{head} {self.cpu_us:7.2f} µs"


class Bench:
    """A target behind TLS on one core, generators on the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.pinning = Pinning.choose()
        self.root, self._cert, self._key = (
            directory / name for name in ("ca.pem", "cert.pem", "key.pem")
        )
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(str(self.root))
        self._cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(self._key))

    @contextlib.contextmanager
    def target(self) -> Iterator[EchoServer]:
        """Run a fresh echo server behind TLS."""
        options = ["--certificate", str(self._cert), "--key", str(self._key)]
        with tempfile.TemporaryDirectory(dir=self.directory) as folder:
            pinned = [self.pinning.server]
            with echo_server(pinned, Path(folder), "server-tls", options) as server:
                yield server

    def environment(self) -> Mapping[str, str]:
        """Let libraries trust the target."""
        return {**os.environ, "SSL_CERT_FILE": str(self.root)}

    @contextlib.contextmanager
    def running(self, argv: list[str]) -> Iterator[psutil.Popen]:
        """Run a generator on its core; it is gone on leaving."""
        output = self.directory / "generator.out"
        with (
            output.open("w") as sink,
            processes.spawned(
                argv,
                pinned_to=[self.pinning.client],
                stdout=sink,
                stderr=sink,
                env=self.environment(),
            ) as process,
        ):
            yield process

    def said(self) -> str:
        """Return the last words of the generator."""
        return (self.directory / "generator.out").read_text().strip()[-300:]


@contextlib.contextmanager
def bench_here() -> Iterator[Bench]:
    """Give a bench in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-tls-") as name:
        yield Bench(Path(name))


# Connections.


def s_time_cpu_us(bench: Bench, version: str, kind: str, seconds: float) -> float:
    """CPU of one handshake of ``openssl s_time``: TCP, TLS with verification, closing.

    With TLS 1.3 a session can be resumed after something was read, so a page is asked for; the
    target's refusal will do.
    """
    with bench.target() as server:
        argv = ["openssl", "s_time", "-connect", f"127.0.0.1:{server.port}", "-verify", "3"]
        argv += ["-CAfile", str(bench.root), "-time", str(max(1, round(seconds)))]
        argv += ["-tls1_3" if version == "1.3" else "-tls1_2"]
        argv += ["-new"] if kind == "new" else ["-reuse"]
        argv += ["-www", "/"] if (version, kind) == ("1.3", "resumed") else []
        pinned = ["taskset", "-c", str(bench.pinning.client), *argv]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run(pinned, capture_output=True, text=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = re.findall(r"^(\d+) connections in \d+ real seconds", done.stdout, re.M)
    if done.returncode != 0 or not found or int(found[-1]) == 0:
        raise BenchmarkError(f"{OPENSSL}: {done.stdout[-200:]} {done.stderr[-200:]}")
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used_s * 1e6 / int(found[-1])


def our_connection_cpu_us(bench: Bench, version: str, kind: str, seconds: float) -> float:
    """CPU of one connection of ours, supervisor included: TCP, TLS, upgrade.

    From a tenth of the connections to nine tenths, so that starting does not count.
    """
    rate = CONNECT_RATE[kind]
    total = max(100, round(rate * seconds / 0.8))
    result = bench.directory / "result.json"
    with bench.target() as server:
        argv = [sys.executable, "-m", "surgewire", "connect", f"wss://127.0.0.1:{server.port}/"]
        argv += ["--rate", f"{rate}/s", "--total", str(total), "--processes", "1", "--quiet"]
        argv += ["--json", str(result), "--runs-dir", str(bench.directory / "runs")]
        argv += ["--ca", str(bench.root), "--tls-min", version, "--tls-max", version]
        argv += ["--tls-resume", "off" if kind == "new" else "on"]
        with bench.running(argv) as process:
            bounds = total // 10, total * 9 // 10
            cpu_us = _cpu_per(bench, process, lambda: server.load().upgraded, *bounds)
            if process.wait(timeout=30) != 0:
                raise BenchmarkError(f"{OURS} failed: {bench.said()}")
    return cpu_us


def _cpu_per(
    bench: Bench,
    process: psutil.Popen,
    done: Callable[[], int],
    first: int,
    last: int,
) -> float:
    """CPU in µs for each unit of work between two counts of it."""
    begin = _when(bench, process, done, first)
    end = _when(bench, process, done, last)
    return 1e6 * sum(processes.cpu_between(begin[1], end[1]).values()) / (end[0] - begin[0])


def _when(
    bench: Bench, process: psutil.Popen, done: Callable[[], int], count: int
) -> tuple[int, processes.CpuSample]:
    deadline = time.monotonic() + START_TIMEOUT_S
    while done() < count:
        if process.poll() is not None or time.monotonic() > deadline:
            raise BenchmarkError(f"it came no further than {done()} of {count}: {bench.said()}")
        time.sleep(0.005)
    sample = processes.cpu_sample(processes.tree(process))
    return done(), sample


# Messages.


def message_cpu_us(bench: Bench, generator: Generator, job: Job, timing: Timing) -> float:
    """CPU of one echoed message over TLS, in a window after all are connected."""
    folder = Path(tempfile.mkdtemp(dir=bench.directory))
    with bench.target() as server:
        argv = generator.command(job, timing, server.port, folder)
        with bench.running(_over_tls(argv, bench)) as process:
            _when(bench, process, lambda: server.load().upgraded, job.connections)
            _when(bench, process, lambda: server.load().messages, 1)
            time.sleep(timing.settle_s)
            begin, sample = server.load().messages, processes.cpu_sample(processes.tree(process))
            time.sleep(timing.window_s)
            used = processes.cpu_between(sample, processes.cpu_sample(processes.tree(process)))
            count = server.load().messages - begin
            if process.wait(timeout=30) not in generator.exit_codes or count == 0:
                raise BenchmarkError(f"{generator.name} failed: {bench.said()}")
    return 1e6 * sum(used.values()) / count


def _over_tls(argv: list[str], bench: Bench) -> list[str]:
    """Turn the command of a generator into the same over TLS."""
    secured = [part.replace("ws://", "wss://") for part in argv]
    if secured != argv:
        return [*secured, "--ca", str(bench.root)]
    return [*argv, "--tls"]


def generators() -> list[Generator]:
    """Give those whose messages are compared."""
    return [Surgewire(), PythonPeer("picows"), PythonPeer("aiohttp")]


# Tables.


def ratios(costs: list[Cost], case: str, generator: str, other: str) -> list[float]:
    """Return how many times as dear `generator` is as `other`, round by round."""
    by = {(cost.generator, cost.round_number): cost.cpu_us for cost in costs if cost.case == case}
    rounds = sorted(number for name, number in by if name == generator)
    return [by[generator, n] / by[other, n] for n in rounds if (other, n) in by]


def table(costs: list[Cost], names: list[str], reference: str, compared: str) -> list[str]:
    """Write medians in µs and the median ratio of `compared` to `reference`, with its range."""
    lines = [
        "| | " + " | ".join(names) + f" | {compared} to {reference} |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for case in dict.fromkeys(cost.case for cost in costs):
        cells = []
        for name in names:
            found = [c.cpu_us for c in costs if (c.case, c.generator) == (case, name)]
            cells.append(f"{statistics.median(found):.1f} µs" if found else "–")
        found = ratios(costs, case, compared, reference)
        told = "–"
        if found:
            told = f"{statistics.median(found):.2f} × ({min(found):.2f} to {max(found):.2f})"
        lines.append(f"| {case} | " + " | ".join(cells) + f" | {told} |")
    return lines
