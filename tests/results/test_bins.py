"""Equal bins: constant memory, nothing lost when they are merged."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from surgewire.results.bins import MOST_BINS, EqualBins


def bins() -> EqualBins[Counter[str]]:
    return EqualBins(Counter, Counter.update)


def test_a_second_has_its_own_bin_at_first() -> None:
    some = bins()
    some.at(0.5)["a"] += 1
    some.at(2.0)["b"] += 1
    assert [dict(part) for part in some.bins] == [{"a": 1}, {}, {"b": 1}]
    assert some.width_s == 1.0


def test_full_bins_are_merged_pairwise() -> None:
    some = bins()
    for second in range(MOST_BINS):
        some.at(second + 0.5)[f"{second}"] += 1
    assert len(some.bins) == MOST_BINS
    some.at(MOST_BINS + 0.5)["last"] += 1
    assert some.width_s == 2.0
    assert len(some.bins) == MOST_BINS // 2 + 1
    assert dict(some.bins[1]) == {"2": 1, "3": 1}
    assert dict(some.bins[-1]) == {"last": 1}


def test_before_the_beginning_is_the_first_bin() -> None:
    some = bins()
    some.at(-3.0)["a"] += 1
    assert dict(some.bins[0]) == {"a": 1}


@given(st.lists(st.floats(0, 1e9, allow_nan=False), max_size=50))
def test_nothing_is_lost_and_there_are_never_too_many(instants: list[float]) -> None:
    some = bins()
    for at_s in instants:
        some.at(at_s)["n"] += 1
    assert len(some.bins) <= MOST_BINS
    assert sum(part["n"] for part in some.bins) == len(instants)
    for at_s in instants:
        assert some.bins[int(at_s / some.width_s)]["n"] > 0
