"""Measure what TLS costs: ``make bench-tls``.

Connections are compared with ``openssl s_time``, new and resumed, messages with picows and
aiohttp, in interleaved rounds. Every generator is pinned to one core, a bare C echo server with
OpenSSL to another; its key is on P-256, and its certificate is checked by all.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import machine, tls
from harness.jobs import Timing
from harness.server import BenchmarkError, build_limit
from harness.session import check_page, write_page

MEASURES = ("connections", "messages")


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    options = parse_options()
    if options.markdown is not None:
        check_page(options.markdown)
    build_limit("tls")
    timing = Timing(options.window)
    sections = ["\n".join(machine.describe(tls.generators(), timing, options.repeats, ""))]
    with tls.bench_here() as bench:
        for name in options.only or MEASURES:
            measure = connections if name == "connections" else messages
            sections.append("\n".join(measure(bench, options)))
    text = "\n\n".join(sections)
    print("\n" + text)
    if options.markdown is not None:
        write_page(options.markdown, text)
    return 0


def connections(bench: tls.Bench, options: argparse.Namespace) -> list[str]:
    """Interleave the rounds of both generators; gives heading and table."""
    costs = []
    sides = ((tls.OPENSSL, tls.s_time_cpu_us), (tls.OURS, tls.our_connection_cpu_us))
    for version, kind in tls.CASES:
        for number in range(1, options.repeats + 1):
            for name, measure in sides:
                cpu_us = measure(bench, version, kind, options.window)
                costs.append(tls.Cost(f"TLS {version}, {kind}", name, number, cpu_us))
                print(costs[-1].describe(), flush=True)
    names = [name for name, _ in sides]
    return ["### CPU of one connection", "", *tls.table(costs, names, tls.OPENSSL, tls.OURS)]


def messages(bench: tls.Bench, options: argparse.Namespace) -> list[str]:
    """Interleave the rounds of all generators; gives heading and tables."""
    costs, timing = [], Timing(options.window)
    for job in tls.JOBS:
        for number in range(1, options.repeats + 1):
            for generator in tls.generators():
                cpu_us = tls.message_cpu_us(bench, generator, job, timing)
                costs.append(tls.Cost(job.title, generator.name, number, cpu_us))
                print(costs[-1].describe(), flush=True)
    names = [generator.name for generator in tls.generators()]
    lines = ["### CPU of one echoed message", "", *tls.table(costs, names, "picows", tls.OURS)]
    return [*lines, "", *tls.table(costs, names, "aiohttp", tls.OURS)]


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/tls.py", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", help="one of the measures")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (5)")
    parser.add_argument("--window", type=float, default=4.0, help="window of a run in s (4)")
    parser.add_argument("--markdown", type=Path, metavar="FILE",
                        help="write the figures between the markers of this page")  # fmt: skip
    options = parser.parse_args()
    if options.repeats < 1 or not 0.5 <= options.window <= 600:
        parser.error("--repeats must be 1 or more, --window from 0.5 to 600")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
