"""Samples for the tests of the histogram, and PyPI's hdrhistogram as the oracle."""

import numpy as np
from hdrh.histogram import HdrHistogram
from hypothesis import strategies as st

from surgewire._core.hdr_codec import (
    HIGHEST_TRACKABLE_NS,
    LOWEST_DISCERNIBLE_NS,
    SIGNIFICANT_DIGITS,
)
from surgewire._core.histogram import Histogram

TOP_NS = 2**42 - 1


def edges() -> list[int]:
    """Values at and around each boundary of the layout."""
    powers = [1 << n for n in range(43)]
    around = {p + d for p in powers for d in (-513, -512, -511, -1, 0, 1, 511, 512)}
    around |= {LOWEST_DISCERNIBLE_NS, HIGHEST_TRACKABLE_NS}
    return sorted(value for value in around if 0 <= value <= TOP_NS)


# Spread over the magnitudes: uniform integers would nearly all lie in the top bucket.
magnitudes = st.integers(0, 42).flatmap(lambda n: st.integers(0, (1 << n) - 1))
values_ns = st.one_of(magnitudes, st.sampled_from(edges()))
samples = st.lists(values_ns, max_size=60)


def ours(values) -> Histogram:
    histogram = Histogram()
    histogram.record_many(np.array(values, dtype=np.int64))
    return histogram


def oracle(values) -> HdrHistogram:
    histogram = HdrHistogram(LOWEST_DISCERNIBLE_NS, HIGHEST_TRACKABLE_NS, SIGNIFICANT_DIGITS)
    for value in values:
        assert histogram.record_value(value)
    return histogram


def same(one: Histogram, other: Histogram) -> bool:
    return bool(np.array_equal(one.words, other.words))
