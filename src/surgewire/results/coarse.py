"""A coarse histogram of times: small enough to keep one for each of many bins of a run."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from surgewire._core.histogram import (
    HISTOGRAM_COUNTS,
    HISTOGRAM_HALF,
    HISTOGRAM_SUB_BUCKETS,
    HISTOGRAM_UNIT_MAGNITUDE,
)
from surgewire.results.sparse import SparseHistogram

PER_OCTAVE = 32
"""Counters for each doubling: 2.2 % wide, and a percentile is interpolated within."""

_LOWEST_NS = 1 << HISTOGRAM_UNIT_MAGNITUDE
_COUNTERS = 33 * PER_OCTAVE + 1
"""From half a microsecond up to 2^42 ns, where the exact histogram ends. 8 kB."""


@lru_cache(maxsize=1)
def _coarse_places() -> npt.NDArray[np.int64]:
    """Give for each counter of the exact histogram the coarse one that its middle falls into."""
    index = np.arange(HISTOGRAM_COUNTS, dtype=np.int64)
    shift = HISTOGRAM_UNIT_MAGNITUDE + np.maximum(index // HISTOGRAM_HALF - 1, 0)
    units = np.where(index < HISTOGRAM_SUB_BUCKETS, index, index % HISTOGRAM_HALF + HISTOGRAM_HALF)
    middle_ns = (units + 0.5) * np.exp2(shift)
    octaves = np.log2(np.maximum(middle_ns, _LOWEST_NS) / _LOWEST_NS)
    places: npt.NDArray[np.int64] = (octaves * PER_OCTAVE).astype(np.int64)
    return places


class CoarseHistogram:
    """Counts of times by size, in constant memory."""

    def __init__(self) -> None:
        self.counts = np.zeros(_COUNTERS, np.int64)

    def add(self, delta: SparseHistogram) -> None:
        """Add what an exact histogram gained. Raises ValueError when it does not fit the layout."""
        indices, counts = delta.arrays()
        if indices.size and not 0 <= int(indices.min()) <= int(indices.max()) < HISTOGRAM_COUNTS:
            raise ValueError("histogram: 'indices' are outside the layout")
        np.add.at(self.counts, _coarse_places()[indices], counts)

    def merge(self, other: "CoarseHistogram") -> None:
        """Add the counts of another."""
        self.counts += other.counts

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(self.counts.sum())

    def percentile_ns(self, percentile: float) -> float:
        """Give the time below which that percentage lies, to about 2 %; 0 where there is none."""
        reached = np.cumsum(self.counts)
        if reached[-1] == 0:
            return 0.0
        rank = percentile / 100.0 * float(reached[-1])
        place = int(np.searchsorted(reached, rank, "left"))
        here = int(self.counts[place])
        share = 1.0 - (float(reached[place]) - rank) / here if here else 0.0
        return float(_LOWEST_NS * 2.0 ** ((place + share) / PER_OCTAVE))
