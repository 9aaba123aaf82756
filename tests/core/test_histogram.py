"""The native histogram against PyPI's hdrhistogram and against closed formulas."""

import math
import mmap
import os
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import histogram as core
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram, bounds_of, index_of, sparse_delta
from tests.core.histogram_oracle import TOP_NS, edges, oracle, ours, same, samples

PERCENTILES = (0.001, 1, 10, 25, 50, 75, 90, 95, 99, 99.9, 99.999, 100)


class TestLayout:
    def test_constants_are_those_of_the_oracle(self):
        reference = oracle([])
        assert reference.counts_len == core.HISTOGRAM_COUNTS
        assert reference.bucket_count == core.HISTOGRAM_BUCKETS
        assert reference.sub_bucket_count == core.HISTOGRAM_SUB_BUCKETS
        assert reference.sub_bucket_half_count == core.HISTOGRAM_HALF
        assert reference.unit_magnitude == core.HISTOGRAM_UNIT_MAGNITUDE
        assert core.HISTOGRAM_WORDS == core.HISTOGRAM_HEADER + core.HISTOGRAM_COUNTS
        assert bounds_of(core.HISTOGRAM_COUNTS - 1)[1] == TOP_NS
        assert 1 << core.HISTOGRAM_VALUE_BITS == TOP_NS + 1

    def test_index_and_bounds_at_every_edge(self):
        reference = oracle([])
        for value in edges():
            index = index_of(value)
            assert index == reference.get_counts_array_index(value)
            assert bounds_of(index) == (
                reference.get_lowest_equivalent_value(value),
                reference.get_highest_equivalent_value(value),
            )

    def test_buckets_are_contiguous_and_three_digits_fine(self):
        bounds = [bounds_of(index) for index in range(core.HISTOGRAM_COUNTS)]
        assert bounds[0][0] == 0
        for (_, high), (low, _) in pairwise(bounds):
            assert low == high + 1
        assert all(high - low < low / 1_000 for low, high in bounds if low >= 2**20)

    @pytest.mark.parametrize("index", [-1, core.HISTOGRAM_COUNTS])
    def test_bounds_outside_the_layout(self, index):
        with pytest.raises(IndexError, match=r"outside 0 \.\. 24575"):
            bounds_of(index)

    @pytest.mark.parametrize("value", [-1, -(2**63)])
    def test_index_below_the_range_is_the_first(self, value):
        assert index_of(value) == 0

    @pytest.mark.parametrize("value", [2**42, 2**63 - 1])
    def test_index_above_the_range_is_the_last(self, value):
        assert index_of(value) == core.HISTOGRAM_COUNTS - 1


class TestAgainstOracle:
    @settings(max_examples=150, deadline=None)
    @given(samples)
    def test_counters(self, values):
        assert list(ours(values).counts) == list(oracle(values).counts)

    @settings(max_examples=60, deadline=None)
    @given(samples.filter(bool))
    def test_percentiles_are_the_same_capped_by_the_exact_maximum(self, values):
        histogram, reference = ours(values), oracle(values)
        for percentile in PERCENTILES:
            expected = min(reference.get_value_at_percentile(percentile), max(values))
            assert histogram.value_at_percentile(percentile) == expected


class TestExactHeader:
    @settings(max_examples=150, deadline=None)
    @given(samples.filter(bool))
    def test_count_sum_mean_min_max(self, values):
        histogram = ours(values)
        assert histogram.count == len(values)
        assert histogram.total_ns == sum(values)
        assert histogram.mean == sum(values) / len(values)
        assert (histogram.min, histogram.max) == (min(values), max(values))
        assert histogram.clipped == 0

    def test_empty(self):
        histogram = Histogram()
        assert (histogram.count, histogram.total_ns, histogram.clipped) == (0, 0, 0)
        assert (histogram.min, histogram.max, histogram.mean) == (0, 0, 0.0)
        assert histogram.percentiles(PERCENTILES) == [0] * len(PERCENTILES)
        assert list(histogram) == []

    @pytest.mark.parametrize(
        ("value", "edge"), [(-1, 0), (-(2**63), 0), (TOP_NS + 1, TOP_NS), (2**63 - 1, TOP_NS)]
    )
    def test_out_of_range_is_recorded_at_the_edge_and_counted(self, value, edge):
        histogram = Histogram()
        histogram.record(value)
        histogram.record(5_000)
        assert histogram.clipped == 1
        assert histogram.count == 2
        assert histogram.counts[index_of(edge)] == 1
        assert histogram.total_ns == edge + 5_000
        assert edge in (histogram.min, histogram.max)

    def test_what_no_int64_holds_is_refused(self):
        with pytest.raises(OverflowError):
            Histogram().record(2**63)

    def test_the_sum_outgrows_64_bits(self):
        histogram = Histogram()
        histogram.record(TOP_NS)
        for _ in range(24):
            histogram.merge(histogram.copy())
        assert histogram.count == 2**24
        assert histogram.total_ns == 2**24 * TOP_NS
        assert histogram.total_ns > 2**65
        assert histogram.mean == TOP_NS

    def test_the_sum_carries_in_record(self):
        histogram = Histogram()
        histogram.words[core.HISTOGRAM_SUM] = 2**62 - 1
        histogram.record(1)
        assert histogram.words[core.HISTOGRAM_SUM] == 0
        assert histogram.total_ns == 2**62


class TestDistributions:
    def test_uniform_has_its_percentiles(self):
        histogram = ours(np.arange(1, 1_000_001) * 1_000)
        for percentile in (1, 50, 90, 95, 99, 99.9):
            exact = percentile * 10_000_000
            assert exact <= histogram.value_at_percentile(percentile) <= exact * 1.001
        assert histogram.mean == 500_000_500

    def test_exponential_has_its_quantiles(self):
        mean_ns, n = 2_000_000, 200_000
        ranks = (np.arange(n) + 0.5) / n
        histogram = ours((-mean_ns * np.log1p(-ranks)).astype(np.int64))
        for percentile in (50, 90, 99, 99.9):
            exact = -mean_ns * math.log1p(-percentile / 100)
            assert histogram.value_at_percentile(percentile) == pytest.approx(exact, rel=2e-3)
        assert histogram.mean == pytest.approx(mean_ns, rel=1e-3)

    def test_two_constants_split_where_they_should(self):
        histogram = ours([1_000_000] * 990 + [50_000_000] * 10)
        assert histogram.value_at_percentile(99) == pytest.approx(1_000_000, rel=1e-3)
        assert histogram.value_at_percentile(99.1) == 50_000_000
        assert histogram.percentiles([99.1, 50]) == [
            histogram.value_at_percentile(99.1),
            histogram.value_at_percentile(50),
        ]

    def test_a_constant_is_exact_everywhere(self):
        histogram = ours([123_456_789] * 7)
        assert set(histogram.percentiles((0, *PERCENTILES))) == {123_456_789}

    def test_percentile_zero_is_the_minimum(self):
        assert ours([7_777, 999_999_999]).value_at_percentile(0) == 7_777

    @pytest.mark.parametrize("percentile", [-0.1, 100.1, math.nan, math.inf])
    def test_no_percentile(self, percentile):
        with pytest.raises(ValueError, match=r"outside 0 \.\. 100"):
            Histogram().value_at_percentile(percentile)

    def test_a_maximum_that_lags_behind_the_counters_does_not_cap(self):
        histogram = ours([1_000_000])
        histogram.counts[index_of(9_000_000)] += 1
        assert histogram.value_at_percentile(100) == bounds_of(index_of(9_000_000))[1]


class TestMerge:
    @settings(max_examples=80, deadline=None)
    @given(samples, samples)
    def test_merging_is_recording_all(self, first, second):
        merged = ours(first)
        merged.merge(ours(second))
        assert same(merged, ours(first + second))

    def test_clipped_adds_up(self):
        merged = ours([-1, 5])
        merged.merge(ours([-1, TOP_NS + 1]))
        assert merged.clipped == 3

    def test_copy_is_apart_and_clear_forgets(self):
        histogram = ours([1, 2_000, -3])
        copied = histogram.copy()
        assert same(copied, histogram)
        histogram.clear()
        assert same(histogram, Histogram())
        assert copied.count == 3

    def test_only_histograms_merge(self):
        with pytest.raises(TypeError):
            Histogram().merge(None)

    @settings(max_examples=30, deadline=None)
    @given(samples)
    def test_buckets_cover_the_values(self, values):
        buckets = list(ours(values))
        assert sum(count for _, _, count in buckets) == len(values)
        assert buckets == sorted(buckets)
        for low, high, count in buckets:
            assert count == sum(low <= value <= high for value in values)


class TestRecordMany:
    def test_equals_recording_one_by_one(self):
        one_by_one = Histogram()
        for value in edges():
            one_by_one.record(value)
        assert same(one_by_one, ours(edges()))

    def test_takes_strided_and_read_only_arrays(self):
        values = np.arange(100, dtype=np.int64) * 10_000
        values.flags.writeable = False
        histogram = Histogram()
        histogram.record_many(values[::-2])
        assert histogram.count == 50
        assert histogram.max == 990_000

    @pytest.mark.parametrize("values", [np.ones(3), np.ones((2, 2), dtype=np.int64), [0.5]])
    def test_refuses_what_is_no_flat_int64_array(self, values):
        with pytest.raises(TypeError, match="flat int64 array"):
            Histogram().record_many(values)


class TestMemory:
    def test_writes_into_a_numpy_array_and_takes_up_what_is_there(self):
        words = np.zeros(HISTOGRAM_WORDS, dtype=np.int64)
        Histogram(words).record(4_000)
        again = Histogram(words)
        assert again.count == 1
        assert words[core.HISTOGRAM_HEADER + index_of(4_000)] == 1
        assert np.shares_memory(again.counts, words)

    def test_is_shared_through_a_map_with_a_forked_process(self):
        shared = mmap.mmap(-1, HISTOGRAM_WORDS * 8)
        child = os.fork()
        if child == 0:
            Histogram(shared).record_many(np.array([1_000, 2_000, -5], dtype=np.int64))
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        histogram = Histogram(shared)
        assert (histogram.count, histogram.clipped, histogram.max) == (3, 1, 2_000)
        del histogram
        shared.close()

    def test_a_slice_of_a_larger_map_stays_inside_it(self):
        size = HISTOGRAM_WORDS * 8
        whole = np.zeros(3 * HISTOGRAM_WORDS, dtype=np.int64)
        whole[:HISTOGRAM_WORDS] = whole[2 * HISTOGRAM_WORDS :] = -7
        histogram = Histogram(memoryview(whole).cast("B")[size : 2 * size])
        histogram.record_many(np.array([*edges(), -1, 2**63 - 1], dtype=np.int64))
        assert set(whole[:HISTOGRAM_WORDS]) == set(whole[2 * HISTOGRAM_WORDS :]) == {-7}
        histogram.clear()
        assert not whole[HISTOGRAM_WORDS : 2 * HISTOGRAM_WORDS].any()

    @pytest.mark.parametrize(
        ("words", "error", "match"),
        [
            (np.zeros(HISTOGRAM_WORDS - 1, dtype=np.int64), ValueError, "takes 24584 int64 words"),
            (np.zeros(HISTOGRAM_WORDS), TypeError, "not items of 'd'"),
            (np.zeros(2 * HISTOGRAM_WORDS, dtype=np.int64)[::2], ValueError, "contiguous"),
            (bytes(HISTOGRAM_WORDS * 8), ValueError, "writable"),
            (5, TypeError, "memoryview"),
        ],
    )
    def test_memory_that_does_not_fit(self, words, error, match):
        with pytest.raises(error, match=match):
            Histogram(words)


class TestSparse:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(samples, max_size=4))
    def test_deltas_rebuild_the_whole(self, batches):
        live, rebuilt = Histogram(), Histogram()
        previous = live.words.copy()
        for batch in batches:
            live.record_many(np.array(batch, dtype=np.int64))
            snapshot = live.words.copy()
            rebuilt.add_sparse(*sparse_delta(previous, snapshot))
            previous = snapshot
        assert same(rebuilt, live)

    def test_form_of_a_delta(self):
        before, after = ours([2_000_000]), ours([2_000_000, 700, 700, -1, 2_000_000])
        indices, counts, *rest = sparse_delta(before.words, after.words)
        assert list(np.frombuffer(indices, "<i4")) == [0, 1, index_of(2_000_000)]
        assert list(np.frombuffer(counts, "<i8")) == [1, 2, 1]
        assert rest == [2_001_400, 1, 0, 2_000_000]

    def test_no_change_is_an_empty_delta_that_adds_nothing(self):
        words = ours([5_000]).words
        delta = sparse_delta(words, words)
        assert delta[:4] == (b"", b"", 0, 0)
        assert same(Histogram.from_sparse(*delta), Histogram())

    def test_extremes_agree_with_the_counters_when_the_header_lags(self):
        late = ours([3_000_000, 4_000_000])
        late.words[core.HISTOGRAM_MAX] = late.words[core.HISTOGRAM_MIN] = 3_500_000
        rebuilt = Histogram.from_sparse(*sparse_delta(Histogram().words, late.words))
        assert rebuilt.min == bounds_of(index_of(3_000_000))[1]
        assert rebuilt.max == bounds_of(index_of(4_000_000))[0]

    def test_a_shrunk_counter_is_refused(self):
        with pytest.raises(ValueError, match="shrank"):
            sparse_delta(ours([1]).words, ours([]).words)

    @pytest.mark.parametrize(
        ("indices", "counts", "match"),
        [
            ([1, 2], [1], "belong together"),
            ([2, 1], [1, 1], "rise"),
            ([1, 1], [1, 1], "rise"),
            ([-1], [1], "rise"),
            ([core.HISTOGRAM_COUNTS], [1], "rise"),
            ([1], [0], "positive"),
        ],
    )
    def test_damaged_sparse_counters(self, indices, counts, match):
        packed = np.array(indices, "<i4").tobytes(), np.array(counts, "<i8").tobytes()
        histogram = Histogram()
        with pytest.raises(ValueError, match=match):
            histogram.add_sparse(*packed, 0, 0, 0, 0)
        assert same(histogram, Histogram())

    def test_bytes_that_are_no_words(self):
        with pytest.raises(ValueError, match="belong together"):
            Histogram().add_sparse(b"123", b"", 0, 0, 0, 0)
