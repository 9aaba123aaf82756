"""A histogram in figures."""

import numpy as np
import pytest

from surgewire._core.histogram import Histogram
from surgewire.results.summary import Summary


def summary_of(n: int, value_ns: int = 1_500_000) -> Summary:
    histogram = Histogram()
    histogram.record_many(np.full(n, value_ns, dtype=np.int64))
    return Summary.of(histogram)


def test_an_empty_sample_has_no_figures() -> None:
    assert summary_of(0).to_dict() == {
        "unit": "ms",
        "count": 0,
        "min": None,
        "mean": None,
        "max": None,
        "p50": None,
        "p90": None,
        "p95": None,
        "p99": None,
        "p99_9": None,
    }


@pytest.mark.parametrize(
    ("count", "missing"),
    [
        (1, ["p50", "p90", "p95", "p99", "p99_9"]),
        (19, ["p50", "p90", "p95", "p99", "p99_9"]),
        (20, ["p90", "p95", "p99", "p99_9"]),
        (199, ["p95", "p99", "p99_9"]),
        (1_000, ["p99_9"]),
        (10_000, []),
    ],
)
def test_a_percentile_needs_its_sample(count: int, missing: list[str]) -> None:
    summary = summary_of(count)
    assert summary.missing() == missing
    assert (summary.min, summary.mean, summary.max) == (1.5, 1.5, 1.5)


def test_figures_are_milliseconds_with_three_decimals() -> None:
    histogram = Histogram()
    histogram.record_many(np.arange(1, 1_001, dtype=np.int64) * 1_234)
    summary = Summary.of(histogram)
    assert (summary.min, summary.mean, summary.max) == (0.001, 0.618, 1.234)
    assert summary.p50 == pytest.approx(0.617, abs=0.001)
    assert summary.p99 == pytest.approx(1.2217, abs=0.002)


@pytest.mark.parametrize(
    ("count", "tail"), [(19, None), (20, "p50"), (100, "p90"), (200, "p95"), (99_999, "p99")]
)
def test_the_tail_is_the_highest_percentile_that_the_sample_carries(
    count: int, tail: str | None
) -> None:
    found = summary_of(count).tail()
    assert found == (None if tail is None else (tail, 1.5))
