"""What all workers together counted since the last time, out of shared memory.

Reading takes no lock. A count that is raised while it is read comes with the next interval: what
matters is that no count is ever taken twice or left out.
"""

from dataclasses import dataclass

import numpy as np

from surgewire._core import ledger, traffic
from surgewire._core.histogram import HISTOGRAM_COUNT, Histogram
from surgewire.engine.shared import GAUGE_OPEN, GAUGE_PEAK_OPEN, Counts, SharedRegion
from surgewire.engine.surges import SurgeTotal, read_surges
from surgewire.results.metrics import METRICS
from surgewire.results.sparse import SparseHistogram, sparse_delta

_OPEN = traffic.COUNTERS.index("open")
_EXPECTED = ledger.COUNTERS.index("expected")
# The account of awkward users, in runs that have some.
_AWKWARD = tuple(f"awkward_{name}" for name in ledger.COUNTERS)


@dataclass(frozen=True, slots=True)
class Gain:
    """What was counted since the last sample, all workers together; see IntervalRecord."""

    counters: dict[str, int]
    gauges: dict[str, int]
    histograms: dict[str, SparseHistogram]
    errors: dict[str, int]
    closed: dict[str, int]
    facts: dict[str, int]
    surges: list[SurgeTotal]
    """Those of which more is known than at the last sample, whole."""


class Sampler:
    """Turns counts that only grow into what they grew by."""

    def __init__(self, region: SharedRegion) -> None:
        """Sample `region`, from nothing counted on."""
        self._region = region
        self._rooms = region.share_rooms()
        self.rooms: Counts = np.zeros((region.rooms, len(ledger.COUNTERS)), np.uint64)
        """What the ledger held for each room at the last call of `take`, all workers together."""
        self._ledger = self.rooms.sum(axis=0)
        self._apart = self._ledger.copy()
        self._traffic = np.zeros(len(traffic.COUNTERS), np.uint64)
        self._histograms = {name: Histogram() for name in METRICS}
        self._errors: dict[str, int] = {}
        self._closed: dict[str, int] = {}
        self._facts: dict[str, int] = {}
        self._surges: dict[int, SurgeTotal] = {}

    def take(self, *, last: bool = False) -> Gain:
        """Return what was counted since the last call; `last` looks at what seems unchanged too."""
        slices = self._region.slices
        rows = self._read_rows()
        self.rooms = rows[: self._region.rooms]
        counters, self._ledger = _gain(
            ledger.COUNTERS, self._ledger, np.add.reduce(self.rooms, axis=0)
        )
        if self._region.apart:
            apart, self._apart = _gain(
                _AWKWARD, self._apart, np.add.reduce(rows[self._region.rooms :], axis=0)
            )
            counters |= apart
        passed, self._traffic = _gain(
            traffic.COUNTERS,
            self._traffic,
            np.add.reduce([part.traffic for part in slices]),
        )
        del passed["open"]
        errors = _sum([part.errors.counts() for part in slices])
        closed = _sum([part.closed.counts() for part in slices])
        facts = _sum([part.facts.counts() for part in slices])
        gain = Gain(
            counters=counters | passed,
            gauges=self._read_gauges(),
            histograms=self._take_histograms(last),
            errors=_growth(self._errors, errors),
            closed=_growth(self._closed, closed),
            facts=_growth(self._facts, facts),
            surges=self._take_surges(),
        )
        self._errors, self._closed, self._facts = errors, closed, facts
        return gain

    def _read_rows(self) -> Counts:
        now = np.zeros((self._region.rows, len(ledger.COUNTERS)), np.uint64)
        for part in self._region.slices:
            now += part.ledger
        if self._rooms is not None:
            # Last of all: a message that is published meanwhile is expected a moment too early,
            # and not delivered before it is expected.
            expected = np.zeros((self._region.workers, self._region.rows), np.uint64)
            self._rooms.expected(expected)
            now[:, _EXPECTED] += np.add.reduce(expected)
        return now

    def _take_surges(self) -> list[SurgeTotal]:
        now = {total.number: total for total in read_surges(self._region.slices)}
        changed = [total for number, total in now.items() if total != self._surges.get(number)]
        self._surges = now
        return changed

    def _read_gauges(self) -> dict[str, int]:
        gauges = {
            "open": int(self._region.gauge[GAUGE_OPEN]),
            "peak_open": int(self._region.gauge[GAUGE_PEAK_OPEN]),
            "peak_under_way": int(self._region.under_way[GAUGE_PEAK_OPEN]),
        }
        if self._rooms is not None:
            workers = range(self._region.workers)
            gauges["joined"] = sum(self._rooms.listeners_by_worker(worker) for worker in workers)
        return gauges

    def open_of(self, worker: int) -> int:
        """Return how many connections `worker` has open."""
        return int(self._region.slice(worker).traffic[_OPEN])

    def _take_histograms(self, last: bool) -> dict[str, SparseHistogram]:
        gains = {}
        for name, before in self._histograms.items():
            words = [part.histograms[name] for part in self._region.slices]
            # Most hold nothing new, and reading one walks over 200 kB.
            if not last and before.count == sum(int(w[HISTOGRAM_COUNT]) for w in words):
                continue
            now = Histogram()
            for one in words:
                now.merge(Histogram(one))
            gain = sparse_delta(before.words, now.words)
            if gain is not None:
                gains[name] = gain
            self._histograms[name] = now
        return gains


def _gain(names: tuple[str, ...], before: Counts, now: Counts) -> tuple[dict[str, int], Counts]:
    delta = (now - before).view(np.int64)
    return dict(zip(names, delta.tolist(), strict=True)), now


def _sum(tables: list[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for table in tables:
        for kind, count in table.items():
            total[kind] = total.get(kind, 0) + count
    return total


def _growth(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    grown = {kind: count - before.get(kind, 0) for kind, count in now.items()}
    return {kind: count for kind, count in grown.items() if count}
