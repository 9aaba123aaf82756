"""From observations to tables: medians over the rounds, ratios within a round, Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.jobs import (
    CONNECT_RATIO_TO_REACH,
    CONNECTION_BYTES_TO_REACH,
    JOBS,
    MEMORY_JOBS,
    MESSAGE_RATIO_TO_REACH,
    Job,
)
from harness.measure import Observation

LIMIT = "bare C"
Pick = Callable[[Observation], float | None]


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of what the rounds showed."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Sum up the values; None where there is none."""
        present = [value for value in values if value is not None]
        return cls(median(present), min(present), max(present)) if present else None


class Observations:
    """All runs of a session."""

    def __init__(self, runs: Sequence[Observation]) -> None:
        self.runs = list(runs)

    def of(self, job: str, generator: str) -> list[Observation]:
        """Give the runs of one generator that went through."""
        return [
            run
            for run in self.runs
            if (run.job, run.generator) == (job, generator) and run.error is None
        ]

    def failures(self, job: str, generator: str) -> list[str]:
        """Say why runs of one generator did not go through."""
        chosen = [run for run in self.runs if (run.job, run.generator) == (job, generator)]
        return [run.error for run in chosen if run.error is not None]

    def generators(self, job: str) -> list[str]:
        """List the generators in the order in which they first ran."""
        return list(dict.fromkeys(run.generator for run in self.runs if run.job == job))

    def spread(self, job: str, generator: str, pick: Pick) -> Spread | None:
        """Spread one figure over the rounds."""
        return Spread.of(pick(run) for run in self.of(job, generator))

    def ratio(self, job: str, generator: str, pick: Pick) -> Spread | None:
        """Give the figure as a multiple of the bare C client's in the same round."""
        limits = {run.round: pick(run) for run in self.of(job, LIMIT)}
        ratios = []
        for run in self.of(job, generator):
            own, limit = pick(run), limits.get(run.round)
            ratios.append(own / limit if own is not None and limit else None)
        return Spread.of(ratios)


def show(spread: Spread | None, digits: int) -> str:
    """Write ``median (least–greatest)``, or a dash."""
    if spread is None:
        return "–"
    if f"{spread.low:.{digits}f}" == f"{spread.high:.{digits}f}":
        return f"{spread.middle:,.{digits}f}"
    return f"{spread.middle:,.{digits}f} ({spread.low:,.{digits}f}–{spread.high:,.{digits}f})"


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table that can be read as plain text as well."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
             for row in (header, *rows)]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def message_table(seen: Observations, job: Job) -> str:
    """Show CPU per message and what was delivered, for one job."""
    rows = []
    for name in seen.generators(job.name):

        def figure(pick: Pick, digits: int, generator: str = name) -> str:
            return show(seen.spread(job.name, generator, pick), digits)

        rows.append([
            name,
            figure(lambda run: run.message_us_all, 1),
            show(seen.ratio(job.name, name, lambda run: run.message_us_all), 2),
            show(seen.ratio(job.name, name, lambda run: run.message_us_busiest), 2),
            figure(lambda run: run.core_percent, 0),
            figure(lambda run: run.waited_percent, 1),
            figure(lambda run: run.messages_per_s, 0),
            figure(lambda run: run.reported.lost if run.reported else None, 0),
        ])  # fmt: skip
    header = ("generator", "CPU per message, µs", "× bare C", "busiest process × bare C",
              "core, %", "waiting, %", "messages/s", "lost, as reported")  # fmt: skip
    return markdown(header, rows)


def percentile_table(seen: Observations, job: Job) -> str:
    """Show what generators report beside what the probe measured at the same time."""
    rows = []
    for name in seen.generators(job.name):
        rows.append([name])
        for pick in (
            lambda run: run.reported.p50_ms if run.reported else None,
            lambda run: run.probe_p50_ms,
            lambda run: run.reported.p99_ms if run.reported else None,
            lambda run: run.probe_p99_ms,
        ):
            rows[-1].append(show(seen.spread(job.name, name, pick), 3))
        doubts = {code for run in seen.of(job.name, name) if run.reported
                  for code in run.reported.doubts}  # fmt: skip
        rows[-1].append(", ".join(sorted(doubts)) or "–")
    header = ("generator", "p50 reported, ms", "p50 of the probe", "p99 reported, ms",
              "p99 of the probe", "doubts raised")  # fmt: skip
    return markdown(header, rows)


def connect_table(seen: Observations, job: Job) -> str:
    """Show CPU per connection."""
    rows = [
        [
            name,
            show(seen.spread(job.name, name, lambda run: run.connect_us_all), 0),
            show(seen.ratio(job.name, name, lambda run: run.connect_us_all), 2),
            show(seen.ratio(job.name, name, lambda run: run.connect_us_busiest), 2),
            show(seen.spread(job.name, name, lambda run: run.established), 0),
        ]
        for name in seen.generators(job.name)
    ]
    header = ("generator", "CPU per connection, µs", "× bare C", "busiest process × bare C",
              "established")  # fmt: skip
    return markdown(header, rows)


def connection_bytes(seen: Observations, generator: str) -> float | None:
    """Give the memory per connection beyond the first 1,000, by the slope."""
    small, large = MEMORY_JOBS
    low = seen.spread(small, generator, lambda run: run.pss_bytes)
    high = seen.spread(large, generator, lambda run: run.pss_bytes)
    if low is None or high is None:
        return None
    more = JOBS[large].connections - JOBS[small].connections
    return (high.middle - low.middle) / more


def memory_table(seen: Observations) -> str:
    """Show memory at both sizes and the slope."""
    small, large = MEMORY_JOBS
    rows = []
    for name in seen.generators(large):
        sizes = [seen.spread(job, name, _mebibytes) for job in MEMORY_JOBS]
        slope = connection_bytes(seen, name)
        shown = "–" if slope is None else f"{slope:,.0f}"
        rows.append([name, *(show(size, 1) for size in sizes), shown])
    header = ("generator", f"MiB at {JOBS[small].connections:,}",
              f"MiB at {JOBS[large].connections:,}", "bytes per connection")  # fmt: skip
    return markdown(header, rows)


def _mebibytes(run: Observation) -> float | None:
    return None if run.pss_bytes is None else run.pss_bytes / (1 << 20)


def goal_table(seen: Observations, generator: str = "Surgewire") -> str:
    """Show what Surgewire is to reach, and whether this session showed it."""
    rows = []
    for job in JOBS.values():
        if generator not in seen.generators(job.name):
            continue
        connecting = job.mode == "connect"
        limit = CONNECT_RATIO_TO_REACH if connecting else MESSAGE_RATIO_TO_REACH

        def pick(run: Observation, connecting: bool = connecting) -> float | None:
            return run.connect_us_all if connecting else run.message_us_all

        ratio = seen.ratio(job.name, generator, pick)
        what = "CPU per connection" if connecting else "CPU per message"
        reached = _reached(None if ratio is None else ratio.middle, limit)
        rows.append([f"{what}: {job.title}", f"≤ {limit:g} × bare C", show(ratio, 2), reached])
    slope = connection_bytes(seen, generator)
    if slope is not None:
        rows.append(["memory per connection", f"≤ {CONNECTION_BYTES_TO_REACH:,} bytes",
                     f"{slope:,.0f}", _reached(slope, CONNECTION_BYTES_TO_REACH)])  # fmt: skip
    return markdown(("measure", "to reach", "measured", "reached"), rows) if rows else ""


def _reached(figure: float | None, limit: float) -> str:
    if figure is None:
        return "not measured"
    return "yes" if figure <= limit else "no"


def all_tables(seen: Observations) -> list[tuple[str, str]]:
    """Give titles and tables in the order of the page."""
    tables = [("Surgewire against its goals", goal_table(seen))]
    for job in JOBS.values():
        if not seen.generators(job.name):
            continue
        if job.mode == "connect":
            tables.append((f"CPU per connection: {job.title}", connect_table(seen, job)))
            continue
        tables.append((f"CPU per message: {job.title}", message_table(seen, job)))
        if job.mode == "paced":
            tables.append((f"Reported and true latency: {job.title}", percentile_table(seen, job)))
    if all(seen.generators(job) for job in MEMORY_JOBS):
        tables.append(("Memory, all processes of a generator", memory_table(seen)))
    failures = failure_list(seen)
    if failures:
        tables.append(("Runs that did not go through", failures))
    return [(title, table) for title, table in tables if table]


def failure_list(seen: Observations) -> str:
    """Write one line for each reason."""
    lines = []
    for job in JOBS.values():
        for name in seen.generators(job.name):
            reasons = dict.fromkeys(seen.failures(job.name, name))
            lines += [f"- {name}, {job.title}: {reason}" for reason in reasons]
    return "\n".join(lines)
