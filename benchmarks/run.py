"""Measure what load generators cost, side by side on one server: ``make bench``.

Every generator does the same jobs, pinned to one core, against a bare C echo server on another.
Rounds are interleaved, so that a slow minute of the machine meets all of them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness import machine, twocore
from harness.external import external_generators
from harness.generators import Generator, own_generators
from harness.jobs import JOBS, MEMORY_JOBS, Timing
from harness.measure import Observation, Pinning, observe
from harness.server import BenchmarkError, build_limit
from harness.session import Session, check_page, write_page

TWO_CORES = "two-cores"


def main() -> int:
    """Run what the command line asks for; returns the exit code."""
    options = parse_options()
    if options.markdown is not None:
        check_page(options.markdown)
    session = Session.load(options.load) if options.load is not None else measure(options)
    if options.save is not None:
        session.save(options.save)
    print("\n" + session.text())
    if options.markdown is not None:
        write_page(options.markdown, session.text())
    return 1 if session.failed() else 0


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description=__doc__)
    names = [*JOBS, "memory", TWO_CORES]
    parser.add_argument("--only", choices=names, action="append", metavar="NAME",
                        help="a measure, may be given again: " + ", ".join(names))  # fmt: skip
    parser.add_argument("--generators", metavar="LIST", help="by name, separated by commas")
    parser.add_argument("--repeats", type=int, help="interleaved rounds (3)")
    parser.add_argument("--seconds", type=float, help="window of each run (8)")
    parser.add_argument("--quick", action="store_true", help="one round with a window of 2 s")
    parser.add_argument("--markdown", type=Path, metavar="FILE",
                        help="write the tables between the markers of this page")  # fmt: skip
    parser.add_argument("--save", type=Path, metavar="FILE", help="keep the raw figures as JSON")
    parser.add_argument("--load", type=Path, metavar="FILE", help="show saved figures again")
    options = parser.parse_args()
    if options.repeats is None:
        options.repeats = 1 if options.quick else 3
    if options.seconds is None:
        options.seconds = 2.0 if options.quick else 8.0
    if options.repeats < 1 or not 0.5 <= options.seconds <= 3600:
        parser.error("--repeats must be 1 or more, --seconds from 0.5 to 3600")
    return options


def choose_generators(names: str | None) -> list[Generator]:
    """Take those that are installed, or those named; says which are not there."""
    known = [*own_generators(), *external_generators()]
    if names is not None:
        wanted = [name.strip() for name in names.split(",")]
        unknown = [name for name in wanted if name not in {each.name for each in known}]
        if unknown:
            every = ", ".join(each.name for each in known)
            raise BenchmarkError(f"--generators: {unknown[0]!r} is not one of {every}")
        known = [each for each in known if each.name in wanted]
    chosen = []
    for each in known:
        if each.version() is None:
            print(f"{each.name}: not installed, left out", flush=True)
        else:
            chosen.append(each)
    if not chosen:
        raise BenchmarkError("none of the generators is installed")
    return chosen


def measure(options: argparse.Namespace) -> Session:
    """Make all runs."""
    if not sys.platform.startswith("linux"):
        raise BenchmarkError("the benchmarks need Linux: epoll, /proc, processor affinity")
    build_limit()
    wanted = options.only or [*JOBS, TWO_CORES]
    names = {name for each in wanted for name in (MEMORY_JOBS if each == "memory" else [each])}
    timing, pinning = Timing(options.seconds), Pinning.choose()
    generators = choose_generators(options.generators)
    about = machine.describe(generators, timing, options.repeats, pinning_note(pinning))
    session = Session(about)
    for job in (JOBS[name] for name in JOBS if name in names):
        for round_number in range(1, options.repeats + 1):
            for generator in generators:
                if generator.supports(job):
                    run = observe(generator, job, timing, pinning, round_number)
                    session.runs.append(run)
                    print(progress_line(run), flush=True)
    if TWO_CORES in names and any(each.name == "Surgewire" for each in generators):
        for _ in range(options.repeats):
            session.two_cores.append(twocore.observe(options.seconds))
            print("two-cores ", session.two_cores[-1].describe(), flush=True)
    return session


def pinning_note(pinning: Pinning) -> str:
    """Say which core does what."""
    if pinning.shared:
        return "Only one core: generator and server share it, so latencies mean little."
    others = f"server, probe and harness on core {pinning.server}"
    return f"Generator on core {pinning.client}; {others}."


def progress_line(run: Observation) -> str:
    """Write one line for a finished run."""
    head = f"{run.job:10} round {run.round}  {run.generator:12}"
    if run.error is not None:
        return f"{head} did not go through: {run.error}"
    if run.message_us_all is not None:
        reported = run.reported.p99_ms if run.reported else None
        figures = f"{run.message_us_all:6.1f} µs/message, core {run.core_percent:3.0f} %"
        return f"{head} {figures}, p99 reported {reported} ms, probe {run.probe_p99_ms} ms"
    return f"{head} {run.connect_us_all:6.1f} µs/connection"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        sys.exit(130)
