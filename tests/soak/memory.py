"""Whether memory grows: its slope over time, with the standard error of that slope.

What is measured is the anonymous resident memory, where everything lies that a process allocates.
The pages of the shared map are left out: their number is fixed, and they count as resident one by
one when a value is counted in each for the first time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SURE = 3.0
"""Standard errors by which a slope must be above what is allowed: once in some hundred tests
of flat memory, noise looks like two of them, and hardly ever like three."""


@dataclass(frozen=True)
class Slope:
    """The slope of a straight line through a series, by least squares."""

    per_unit: float
    standard_error: float

    @property
    def at_least(self) -> float:
        """What the slope is with as good as certainty."""
        return self.per_unit - SURE * self.standard_error

    def __str__(self) -> str:
        return f"{self.per_unit:.1f} ± {self.standard_error:.1f}"


def slope(series: Sequence[tuple[float, float]]) -> Slope:
    """Fit a line to pairs of a place and a value.

    Memory moves in steps, so neighbours are alike: the standard error counts only as many values
    as are independent by the correlation of one with the next.
    """
    places, values = np.array(series, float).T
    centred = places - places.mean()
    squares = float(centred @ centred)
    per_unit = float(centred @ values) / squares
    rest = values - values.mean() - per_unit * centred
    alike = _correlation(rest)
    independent = max(len(rest) * (1 - alike) / (1 + alike), 3.0)
    variance = float(rest @ rest) / len(rest) * independent / (independent - 2)
    return Slope(per_unit, (variance * len(rest) / independent / squares) ** 0.5)


def _correlation(rest: np.ndarray) -> float:
    """Return the correlation of each value with the next, between 0 and 0.99."""
    total = float(rest @ rest)
    if total == 0:
        return 0.0
    return min(max(float(rest[:-1] @ rest[1:]) / total, 0.0), 0.99)


def resident_bytes(pid: int | str = "self") -> int:
    """Return the anonymous resident memory of a process; raises OSError where it is gone.

    Counted page by page: what `status` tells may be behind by some hundred kB.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Anonymous:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"process {pid} has no memory")
