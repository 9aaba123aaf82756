"""Equal bins over a time whose length nobody knows beforehand, in memory that does not grow."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

MOST_BINS = 120
"""Full, a series holds 60 to 120 bins: enough for a plot and for a trend, and two minutes of run
are still told second by second."""

T = TypeVar("T")


class EqualBins(Generic[T]):
    """At most MOST_BINS bins of equal width; when time runs past them, they are merged pairwise."""

    def __init__(self, make: Callable[[], T], merge: Callable[[T, T], object]) -> None:
        """Fill bins with what ``make`` gives; ``merge(a, b)`` adds ``b`` to ``a``."""
        self._make = make
        self._merge = merge
        self._bins: list[T] = []
        self.width_s = 1.0
        """Width of each bin; an interval is a second long, so finer bins would hold nothing."""

    def at(self, at_s: float) -> T:
        """Give the bin that an instant falls into, in seconds from the beginning."""
        at_s = max(at_s, 0.0)
        while at_s >= MOST_BINS * self.width_s:
            self._fold()
        index = int(at_s / self.width_s)
        while len(self._bins) <= index:
            self._bins.append(self._make())
        return self._bins[index]

    @property
    def bins(self) -> Sequence[T]:
        """All bins up to the latest that was asked for, in order."""
        return self._bins

    def _fold(self) -> None:
        for left, right in zip(self._bins[0::2], self._bins[1::2], strict=False):
            self._merge(left, right)
        del self._bins[1::2]
        self.width_s *= 2.0
