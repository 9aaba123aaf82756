"""When connections ended that we had not closed: by kind, over the time of the run."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from surgewire.results.bins import EqualBins
from surgewire.results.record import IntervalRecord

_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class KindOverTime:
    """One kind of disconnect."""

    count: int
    first_s: float
    """Beginning of the interval in which it came first."""
    last_s: float
    """End of the interval in which it came last."""
    per_bin: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "count": self.count,
            "first_s": round(self.first_s, _DECIMALS),
            "last_s": round(self.last_s, _DECIMALS),
            "per_bin": list(self.per_bin),
        }


@dataclass(frozen=True, slots=True)
class Disconnects:
    """All kinds, the most frequent first, over bins of equal width."""

    bin_s: float = 1.0
    kinds: dict[str, KindOverTime] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        kinds = self.kinds
        return {
            "bin_s": self.bin_s,
            "kinds": {kind: course.to_dict() for kind, course in kinds.items()},
        }


class DisconnectWatch:
    """Collects disconnects, interval by interval. Kinds are capped where they are counted."""

    def __init__(self) -> None:
        self._bins: EqualBins[Counter[str]] = EqualBins(Counter, Counter.update)
        self._first_s: dict[str, float] = {}
        self._last_s: dict[str, float] = {}

    def add(self, record: IntervalRecord) -> None:
        """Take in what ended in an interval."""
        closed = {kind: count for kind, count in record.closed.items() if count}
        if not closed:
            return
        began_s = max(record.at_s - record.length_s, 0.0)
        self._bins.at((began_s + record.at_s) / 2).update(closed)
        for kind in closed:
            self._first_s.setdefault(kind, began_s)
            self._last_s[kind] = record.at_s

    def disconnects(self) -> Disconnects:
        """Give all that was seen so far."""
        bins = self._bins.bins
        total: Counter[str] = Counter()
        for part in bins:
            total.update(part)
        ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
        kinds = {
            kind: KindOverTime(
                count=count,
                first_s=self._first_s[kind],
                last_s=self._last_s[kind],
                per_bin=tuple(part[kind] for part in bins),
            )
            for kind, count in ordered
        }
        return Disconnects(self._bins.width_s, kinds)
