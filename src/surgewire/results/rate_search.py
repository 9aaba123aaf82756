"""The search for the highest rate that holds: rising until one does not, then halving the gap.

Pure: rates to try out, outcomes in.
"""

from dataclasses import dataclass
from enum import StrEnum

_PPM = 1_000_000
_TRIES = 2
"""A rate has not held when it did not twice: one hiccup shall not decide."""


class Outcome(StrEnum):
    """What came of trying a rate; the values are stable."""

    HELD = "held"
    """The target kept to the goal."""
    BROKE = "broke"
    """It did not."""
    DOUBTFUL = "doubtful"
    """It did not, or was not asked for the load, and that may be the generator's own doing."""


class Ending(StrEnum):
    """What a search came to; the values are stable."""

    FOUND = "found"
    """A rate held, and one just above it did not."""
    AT_LEAST = "at_least"
    """A rate held; of those above nothing is known."""
    NONE = "none"
    """Not even the lowest rate held."""
    UNCLEAR = "unclear"
    """Nothing held, and the generator itself was in doubt."""
    GOING_ON = "going_on"
    """The search is not over, or was stopped."""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What is known of the highest rate, in connections per second."""

    ending: Ending
    held: int | None
    """The highest rate that held."""
    failed: int | None
    """The lowest rate above it that broke, or was doubtful."""
    failed_by: Outcome | None


class RateSearch:
    """Names the rate to try next, and knows when it is over.

    low, high: the first rate and the highest, in whole connections per second. within_ppm: the
    search is over when what held and what did not are as close as this, in millionths, or 1/s.
    """

    def __init__(self, low: int, high: int, *, within_ppm: int) -> None:
        """Begin; raises ValueError for a range that is none."""
        if not 1 <= low <= high:
            raise ValueError(f"{low} to {high} is no range of rates")
        self._high = high
        self._within_ppm = within_ppm
        self._next: int | None = low
        self._tries = 0
        self._held: int | None = None
        self._failed: int | None = None
        self._failed_by: Outcome | None = None

    @property
    def next_rate(self) -> int | None:
        """The rate to try; None when the search is over."""
        return self._next

    def tell(self, outcome: Outcome, *, final: bool = False) -> None:
        """Take what came of `next_rate`; `final` where another try would give the same.

        Raises ValueError when the search is over.
        """
        if self._next is None:
            raise ValueError("the search is over")
        self._tries += 1
        if outcome is Outcome.HELD:
            self._held = self._next
        elif self._tries < _TRIES and not final:
            return
        else:
            self._failed, self._failed_by = self._next, outcome
        self._tries = 0
        self._next = self._choose()

    @property
    def conclusion(self) -> Conclusion:
        """What is known by now."""
        return Conclusion(self._ending(), self._held, self._failed, self._failed_by)

    def _choose(self) -> int | None:
        held, failed = self._held, self._failed
        if held is None:
            assert failed is not None
            return failed // 2 or None
        if failed is None:
            return min(2 * held, self._high) if held < self._high else None
        if failed - held <= max(1, held * self._within_ppm // _PPM):
            return None
        return (held + failed) // 2

    def _ending(self) -> Ending:
        if self._next is not None:
            return Ending.GOING_ON
        broke = self._failed_by is Outcome.BROKE
        if self._held is None:
            return Ending.NONE if broke else Ending.UNCLEAR
        return Ending.FOUND if broke else Ending.AT_LEAST
