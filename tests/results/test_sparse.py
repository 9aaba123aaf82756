"""What a histogram gains, as bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core.histogram import Histogram
from surgewire.results.sparse import SparseHistogram, add_sparse, sparse_delta

VALUES = st.lists(st.integers(0, 3_600_000_000_000), max_size=30)


def histogram_of(values: list[int]) -> Histogram:
    histogram = Histogram()
    histogram.record_many(np.array(values, dtype=np.int64))
    return histogram


def test_a_literal_gain() -> None:
    now = histogram_of([1_000, 1_000, 5_000])
    delta = sparse_delta(Histogram().words, now.words)
    assert delta is not None
    indices, counts = delta.arrays()
    # The unit of the layout is 512 ns: 1,000 ns lie in slot 1, 5,000 ns in slot 9.
    assert indices.tolist() == [1, 9]
    assert counts.tolist() == [2, 1]
    assert (delta.total_ns, delta.clipped, delta.min_ns, delta.max_ns) == (7_000, 0, 1_000, 5_000)


def test_no_gain_is_none() -> None:
    words = histogram_of([5_000]).words
    assert sparse_delta(words, words) is None


def test_a_histogram_that_shrank_is_refused() -> None:
    with pytest.raises(ValueError, match="shrank"):
        sparse_delta(histogram_of([5_000]).words, Histogram().words)


@settings(max_examples=30, deadline=None)
@given(VALUES, VALUES)
def test_gains_add_up_to_the_whole(first: list[int], second: list[int]) -> None:
    before, now = histogram_of(first), histogram_of(first + second)
    copy = Histogram()
    for old, new in ((Histogram(), before), (before, now)):
        delta = sparse_delta(old.words, new.words)
        if delta is not None:
            add_sparse(copy, SparseHistogram.from_dict(delta.to_dict()))
    assert (copy.words == now.words).all()


def test_what_is_written_down_is_short() -> None:
    delta = SparseHistogram.from_arrays([3, 68, 600], [1, 2, 300], total_ns=9, min_ns=1, max_ns=2)
    assert delta.to_dict() == {
        "gaps": [2, b"\3\0\x41\0\x14\2"],
        "counts": [2, b"\1\0\2\0\x2c\1"],
        "total_ns": 9,
        "clipped": 0,
        "min_ns": 1,
        "max_ns": 2,
    }
    large = SparseHistogram.from_arrays([0], [2**40], total_ns=9, min_ns=1, max_ns=2)
    assert large.to_dict()["counts"] == [8, b"\0\0\0\0\0\1\0\0"]
    for each in (delta, large):
        assert SparseHistogram.from_dict(each.to_dict()) == each


def test_the_arrays_of_older_journals_are_read() -> None:
    old = {"indices": b"\3\0\0\0", "counts": b"\1" + b"\0" * 7, "total_ns": 9, "clipped": 0}
    delta = SparseHistogram.from_dict(old | {"min_ns": 1, "max_ns": 2})
    assert [part.tolist() for part in delta.arrays()] == [[3], [1]]


@pytest.mark.parametrize(
    ("gaps", "counts", "match"),
    [
        ("gaps", [1, b"\1"], "'gaps': must be list"),
        ([3, b"\1\1\1"], [1, b"\1"], "pairs of a width and bytes"),
        ([2, b"\1"], [1, b"\1"], "pairs of a width and bytes"),
        ([1, b"\1", 0], [1, b"\1"], "pairs of a width and bytes"),
        ([1, "1"], [1, b"\1"], "pairs of a width and bytes"),
        ([1, b"\1"], [1, b""], "do not fit together"),
        ([4, b"\xff\xff\xff\xff"], [1, b"\1"], "too large"),
        ([8, b"\xff" * 8], [1, b"\1"], "too large"),
    ],
)
def test_nonsense_is_refused(gaps: object, counts: object, match: str) -> None:
    rest = {"total_ns": 9, "clipped": 0, "min_ns": 1, "max_ns": 2}
    with pytest.raises(ValueError, match=match):
        SparseHistogram.from_dict({"gaps": gaps, "counts": counts, **rest})


def test_what_does_not_fit_the_layout_is_refused() -> None:
    delta = SparseHistogram.from_arrays([99_999], [1], total_ns=1, min_ns=1, max_ns=1)
    with pytest.raises(ValueError, match="indices must rise within"):
        add_sparse(Histogram(), delta)
