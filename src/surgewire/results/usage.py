"""What the worker processes used: CPU time and memory. Constant memory for any length of run."""

from dataclasses import dataclass

from surgewire.results.record import IntervalRecord, WorkerSample

SATURATED_PERCENT = 90.0
"""A loop that is busy for nine tenths of a second sends and reads late in the tenth that is left:
queueing delay grows as 1 / (1 - load), ten times the service time here."""

MIN_CONNECTIONS_FOR_SLOPE = 1_000
"""A worker touches some hundred kB while it warms up; fewer connections than this drown in it."""


@dataclass(slots=True)
class WorkerUsage:
    """One worker over the run."""

    worker: int
    cpu_s: float = 0.0
    measured_cpu_s: float = 0.0
    """CPU time in the phase that the figures are about."""
    measured_s: float = 0.0
    length_s: float = 0.0
    saturated_in_a_row: int = 0
    """Longest row of intervals at or above SATURATED_PERCENT."""
    _row: int = 0

    def add(self, sample: WorkerSample, length_s: float, measured: bool) -> None:
        """Count one interval."""
        cpu_s = sample.cpu_percent / 100.0 * length_s
        self.cpu_s += cpu_s
        self.length_s += length_s
        if measured:
            self.measured_cpu_s += cpu_s
            self.measured_s += length_s
        self._row = self._row + 1 if sample.cpu_percent >= SATURATED_PERCENT else 0
        self.saturated_in_a_row = max(self.saturated_in_a_row, self._row)

    @property
    def cpu_percent(self) -> float:
        """Mean in percent of one core: of the measured phase, or of the run before it began."""
        if self.measured_s > 0:
            return 100.0 * self.measured_cpu_s / self.measured_s
        return 100.0 * self.cpu_s / self.length_s if self.length_s > 0 else 0.0


@dataclass(frozen=True, slots=True)
class _Footprint:
    """Memory of all workers at a moment with so many connections open.

    Resident memory, and not the proportional share: that one is sampled less often, and would be
    of an earlier number of connections. What workers share was touched before the first sample.
    """

    open: int
    rss_bytes: int


class Usage:
    """All workers over the run."""

    def __init__(self) -> None:
        self.workers: dict[int, WorkerUsage] = {}
        self.rss_peak_bytes = 0
        self.pss_peak_bytes: int | None = None
        self._first: _Footprint | None = None
        self._fullest: _Footprint | None = None

    def add(self, record: IntervalRecord, measured: bool) -> None:
        """Count the worker samples of one interval."""
        for sample in record.workers:
            usage = self.workers.setdefault(sample.worker, WorkerUsage(sample.worker))
            usage.add(sample, record.length_s, measured)
        alive = [sample for sample in record.workers if sample.alive]
        if alive:
            self._add_memory(alive)

    def _add_memory(self, alive: list[WorkerSample]) -> None:
        rss_bytes = sum(sample.rss_bytes for sample in alive)
        self.rss_peak_bytes = max(self.rss_peak_bytes, rss_bytes)
        pss = [sample.pss_bytes for sample in alive if sample.pss_bytes is not None]
        if len(pss) == len(alive):
            self.pss_peak_bytes = max(self.pss_peak_bytes or 0, sum(pss))
        if len(alive) < len(self.workers):
            # What a dead worker held is gone from the sum: no slope across its death.
            return
        now = _Footprint(sum(sample.open for sample in alive), rss_bytes)
        self._first = self._first or now
        if self._fullest is None or now.open >= self._fullest.open:
            self._fullest = now

    @property
    def memory_per_connection_bytes(self) -> int | None:
        """Growth of memory per connection from the first interval to the fullest one.

        What the processes take before any connection is left out. None where too few connections
        were opened between the two for the figure to mean anything.
        """
        if self._first is None or self._fullest is None:
            return None
        opened = self._fullest.open - self._first.open
        if opened < MIN_CONNECTIONS_FOR_SLOPE:
            return None
        grown_bytes = self._fullest.rss_bytes - self._first.rss_bytes
        # Memory that shrank was swapped out or given back: that tells nothing of connections.
        return round(grown_bytes / opened) if grown_bytes > 0 else None

    @property
    def in_order(self) -> list[WorkerUsage]:
        """Workers by number."""
        return [self.workers[number] for number in sorted(self.workers)]
