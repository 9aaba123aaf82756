"""The coarse histogram: percentiles close to the exact ones, added and never averaged."""

import numpy as np
import pytest

from surgewire._core.histogram import HISTOGRAM_COUNTS, Histogram, bounds_of
from surgewire.results.coarse import PER_OCTAVE, CoarseHistogram, _coarse_places
from surgewire.results.sparse import SparseHistogram, sparse_delta
from tests.results.samples import MS, gain

WIDTH = 2 ** (1 / PER_OCTAVE) - 1


def test_each_counter_goes_to_where_its_middle_lies() -> None:
    places = _coarse_places()
    assert len(places) == HISTOGRAM_COUNTS
    assert places.min() == 0
    assert places.max() < CoarseHistogram().counts.size
    for index in (0, 1, 2, 1_023, 1_024, 2_047, 2_048, 9_999, HISTOGRAM_COUNTS - 1):
        low, high = bounds_of(index)
        middle_ns = max((low + high + 1) / 2, 512)
        assert places[index] == int(PER_OCTAVE * np.log2(middle_ns / 512))


@pytest.mark.parametrize("spread", [0.1, 1.0, 2.0])
def test_percentiles_are_those_of_the_exact_histogram(spread: float) -> None:
    random = np.random.default_rng(1)
    values = (np.exp(random.standard_normal(20_000) * spread) * MS).astype(np.int64)
    exact = Histogram()
    exact.record_many(values)
    delta = sparse_delta(Histogram().words, exact.words)
    assert delta is not None
    coarse = CoarseHistogram()
    coarse.add(delta)
    assert coarse.count == 20_000
    for percentile in (50.0, 90.0, 99.0):
        expected = exact.value_at_percentile(percentile)
        assert coarse.percentile_ns(percentile) == pytest.approx(expected, rel=WIDTH)


def test_merging_is_adding() -> None:
    fast, slow = CoarseHistogram(), CoarseHistogram()
    fast.add(gain([1.0] * 990))
    slow.add(gain([100.0] * 10))
    fast.merge(slow)
    assert fast.count == 1_000
    assert fast.percentile_ns(50.0) == pytest.approx(MS, rel=WIDTH)
    # The mean of the two medians would be 50 ms.
    assert fast.percentile_ns(99.9) == pytest.approx(100 * MS, rel=WIDTH)


def test_nothing_has_no_percentile() -> None:
    assert CoarseHistogram().percentile_ns(99.0) == 0.0


@pytest.mark.parametrize("index", [-1, HISTOGRAM_COUNTS])
def test_another_layout_is_refused(index: int) -> None:
    delta = SparseHistogram.from_arrays([index], [1], total_ns=1, min_ns=1, max_ns=1)
    with pytest.raises(ValueError, match="outside the layout"):
        CoarseHistogram().add(delta)
