"""Measure what deliveries cost and how large rooms may get: ``make bench-delivery``.

``booking`` is what finding, checking and counting a delivery takes, without sockets. ``fanout``
compares the CPU of a delivery with a bare C client that only reads and counts the same traffic, in
interleaved rounds, each side pinned to a core. The others run tester and embedded target together
on all cores.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import booking, fanout, machine, size
from harness.fanout import FANOUT_JOBS
from harness.generators import Surgewire
from harness.jobs import Timing
from harness.server import BenchmarkError, build_limit
from harness.session import check_page, write_page

MEASURES = ("booking", "fanout", "sustained", "big-room", "held")


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    options = parse_options()
    if options.markdown is not None:
        check_page(options.markdown)
    build_limit()
    timing = Timing(options.window)
    lines = machine.describe([Surgewire()], timing, options.repeats, "")
    sections = ["\n".join(lines)]
    for name in options.only or MEASURES:
        title, found = measure(name, options)
        sections.append(f"### {title}\n\n" + "\n".join(found))
    text = "\n\n".join(sections)
    print("\n" + text)
    if options.markdown is not None:
        write_page(options.markdown, text)
    return 0


def measure(name: str, options: argparse.Namespace) -> tuple[str, list[str]]:
    """Make one measure; gives its title and its lines in Markdown."""
    match name:
        case "booking":
            return "Booking one delivery", booking.measure()
        case "fanout":
            return "CPU of one delivery", measure_fanout(options)
        case "sustained":
            return "100 rooms of 100", size.sustained(options.seconds)
        case "big-room":
            return "One room of 10,000", size.big_room(options.seconds)
        case _:
            held = size.held(options.held, 2 * options.seconds, options.workers)
            return f"{options.held:,} connections held, pings on", held


def measure_fanout(options: argparse.Namespace) -> list[str]:
    """Interleave the rounds of both generators; gives the table."""
    runs = []
    for job in FANOUT_JOBS:
        for round_number in range(1, options.repeats + 1):
            for generator in (fanout.BARE_C, fanout.OURS):
                runs.append(fanout.observe(job, generator, round_number, options.window))
                print(runs[-1].describe(), flush=True)
    return fanout.table(runs)


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/delivery.py", description=__doc__)
    parser.add_argument("--only", choices=MEASURES, action="append", metavar="NAME",
                        help="a measure, may be given again: " + ", ".join(MEASURES))  # fmt: skip
    parser.add_argument("--repeats", type=int, default=3, help="rounds of fanout (3)")
    parser.add_argument("--window", type=float, default=6.0, help="window of fanout in s (6)")
    parser.add_argument("--seconds", type=float, default=60.0,
                        help="how long the others send; holding is twice that (60)")  # fmt: skip
    parser.add_argument("--held", type=int, default=60_000, help="connections to hold (60000)")
    parser.add_argument("--workers", type=int, default=4,
                        help="processes of each side for holding them (4)")  # fmt: skip
    parser.add_argument("--markdown", type=Path, metavar="FILE",
                        help="write the figures between the markers of this page")  # fmt: skip
    options = parser.parse_args()
    if options.repeats < 1 or not 0.5 <= options.window <= 600 or options.seconds <= 0:
        parser.error("--repeats must be 1 or more, --window from 0.5 to 600, --seconds above 0")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
