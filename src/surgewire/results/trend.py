"""Whether there is a trend in a series, and how steep it is.

Measurements of a server are correlated with those before: a slow second is followed by slow
seconds. A test that takes them for independent finds trends in every second run of a server that
wanders. So the line is compared with other slow shapes: a series that looks much more like a
straight line than like any of the slow waves that noise with a memory draws has a trend.
"""

import numpy as np
import numpy.typing as npt

MIN_POINTS = 30
"""With fewer steps the waves are too fast to stand for slow noise."""

WAVES = 4
"""How many slow shapes the line is compared with. More make the test sharper and less honest: with
8, noise with a correlation of 0.9 between neighbours would pass for a trend in one run of 16."""

T_LIMIT = 4.604
"""Student's t with 4 degrees of freedom, 1 % on both sides together. Noise with a correlation of
0.9 between neighbours, whose memory is a sixth of the run, then passes in less than 5 % of runs."""

_Series = npt.NDArray[np.float64]


def significance(values: npt.ArrayLike) -> float:
    """Say how much more a series resembles a straight line than other slow shapes: Student's t.

    Of the ranks, so that one spike weighs no more than any other highest value, with the variance
    taken from the first cosines beside constant and line: Y. Sun, "A heteroskedasticity and
    autocorrelation robust F test using an orthonormal series variance estimator", Econometrics
    Journal 16 (2013). 0 for a constant series, infinite for an exact line. Raises ValueError for
    fewer than MIN_POINTS values.
    """
    series: _Series = np.asarray(values, np.float64)
    if series.size < MIN_POINTS:
        raise ValueError(f"a trend takes {MIN_POINTS} values, these are {series.size}")
    ranks = _ranks(series)
    line, waves = _shapes(series.size)
    likeness = abs(float(line @ ranks))
    noise = float(np.sqrt(np.mean((waves.T @ ranks) ** 2)))
    # Whole ranks make sums that are exact up to rounding far below one.
    if likeness < 1e-6:
        return 0.0
    return likeness / noise if noise > 1e-6 else float("inf")


def slope(places: npt.ArrayLike, values: npt.ArrayLike) -> float:
    """Give the growth of the values for each unit of their places: the median over all pairs.

    H. Theil (1950), P. K. Sen (1968): a quarter of the values may be wild without moving it far.
    Places must rise; fewer than two values have no slope, and 0 stands for it.
    """
    at: _Series = np.asarray(places, np.float64)
    series: _Series = np.asarray(values, np.float64)
    if series.size < 2:
        return 0.0
    left, right = np.triu_indices(series.size, 1)
    return float(np.median((series[right] - series[left]) / (at[right] - at[left])))


def _ranks(series: _Series) -> _Series:
    ordered = np.sort(series)
    # Equal values share the middle of their places; the whole is centred.
    below = np.searchsorted(ordered, series, "left")
    up_to = np.searchsorted(ordered, series, "right")
    return (below + up_to - series.size).astype(np.float64)


def _shapes(points: int) -> tuple[_Series, _Series]:
    """Give the line and the waves, all at right angles to each other and to the constant."""
    place = (np.arange(points) + 0.5) / points
    # The cosine of half a turn is nearly the line itself: the waves begin with a whole one.
    waves = [np.cos(np.pi * turn * place) for turn in range(2, WAVES + 2)]
    shapes, _ = np.linalg.qr(np.column_stack([np.ones(points), place, *waves]))
    return shapes[:, 1], shapes[:, 2:]
