import statistics
from collections import Counter
from typing import Any

import pytest

from surgewire._core.delays import Delays

MS = 1_000_000


def test_no_delays() -> None:
    assert Delays().draws(1, 3) == [0, 0, 0]


def test_a_fixed_delay() -> None:
    assert Delays([(1, "fixed", 5 * MS)]).draws(1, 3) == [5 * MS] * 3


def test_exponential_delays() -> None:
    drawn = Delays([(7, "exponential", 5 * MS)]).draws(3, 20_000)
    assert statistics.fmean(drawn) == pytest.approx(5 * MS, rel=0.03)
    assert statistics.median(drawn) == pytest.approx(5 * MS * 0.693, rel=0.03)
    assert min(drawn) >= 0


def test_a_mix_goes_by_weight() -> None:
    drawn = Delays([(3, "fixed", 1), (1, "fixed", 2), (4, "fixed", 3)]).draws(5, 16_000)
    shares = Counter(drawn)
    assert set(shares) == {1, 2, 3}
    assert [shares[i] / 2000 for i in (1, 2, 3)] == pytest.approx([3, 1, 4], rel=0.1)


def test_the_seed_decides() -> None:
    delays = Delays([(1, "exponential", MS)])
    assert delays.draws(1, 50) == delays.draws(1, 50) != delays.draws(2, 50)


@pytest.mark.parametrize(
    "delays",
    [
        [(1, "fixed", 1)] * 17,
        [(0, "fixed", 1)],
        [(-1, "fixed", 1)],
        [(1, "fixed", -1)],
        [(1, "normal", 1)],
    ],
)
def test_delays_that_make_no_sense(delays: Any) -> None:
    with pytest.raises(ValueError, match="delay"):
        Delays(delays)
