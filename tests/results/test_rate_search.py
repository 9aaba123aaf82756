import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.results.rate_search import Conclusion, Ending, Outcome, RateSearch

MOST_TRIES = 200


def carry_out(search: RateSearch, limit: float, own_limit: float = math.inf) -> list[int]:
    """Try what the search asks for at a target that holds `limit`, a generator `own_limit`."""
    tried: list[int] = []
    while (rate := search.next_rate) is not None:
        assert len(tried) < MOST_TRIES
        tried.append(rate)
        if rate > own_limit:
            search.tell(Outcome.DOUBTFUL)
        else:
            search.tell(Outcome.HELD if rate <= limit else Outcome.BROKE)
    return tried


def closest(held: int, within_ppm: int) -> int:
    return max(1, held * within_ppm // 1_000_000)


RANGES = st.tuples(st.integers(1, 5_000), st.integers(0, 200_000)).map(
    lambda pair: (pair[0], pair[0] + pair[1])
)
WITHIN = st.integers(1_000, 500_000)


@given(RANGES, st.integers(0, 300_000), WITHIN)
def test_the_limit_of_a_steady_target_is_found(
    span: tuple[int, int], limit: int, within_ppm: int
) -> None:
    low, high = span
    search = RateSearch(low, high, within_ppm=within_ppm)
    tried = carry_out(search, limit)
    end = search.conclusion
    assert all(1 <= rate <= high for rate in tried)
    if limit == 0:
        assert end == Conclusion(Ending.NONE, None, 1, Outcome.BROKE)
    elif limit >= high:
        assert end == Conclusion(Ending.AT_LEAST, high, None, None)
    else:
        assert end.ending is Ending.FOUND
        assert end.held is not None
        assert end.failed is not None
        assert end.held <= limit < end.failed
        assert end.failed - end.held <= closest(end.held, within_ppm)


@given(RANGES, st.integers(0, 300_000), st.integers(0, 300_000), WITHIN)
def test_nothing_is_concluded_from_what_is_doubtful(
    span: tuple[int, int], limit: int, own_limit: int, within_ppm: int
) -> None:
    search = RateSearch(*span, within_ppm=within_ppm)
    tried = carry_out(search, limit, own_limit)
    end = search.conclusion
    if end.held is not None:
        assert end.held <= min(limit, own_limit)
    if end.ending in (Ending.FOUND, Ending.NONE):
        assert end.failed is not None
        assert limit < end.failed <= own_limit
    if own_limit == 0:
        assert end.ending is Ending.UNCLEAR
    # Doubling, then halving, each rate tried twice at most.
    assert len(tried) <= 2 * (2 * math.log2(span[1] + 2) + math.log2(1e6) + 4)


@given(RANGES, st.integers(1, 300_000), st.sampled_from([Outcome.BROKE, Outcome.DOUBTFUL]))
def test_one_hiccup_at_each_rate_changes_nothing(
    span: tuple[int, int], limit: int, hiccup: Outcome
) -> None:
    calm, shaken = (RateSearch(*span, within_ppm=50_000) for _ in range(2))
    carry_out(calm, limit)
    while (rate := shaken.next_rate) is not None:
        shaken.tell(hiccup)
        if shaken.next_rate == rate:
            shaken.tell(Outcome.HELD if rate <= limit else Outcome.BROKE)
    assert shaken.conclusion.held == calm.conclusion.held
    assert shaken.conclusion.failed == calm.conclusion.failed


def test_a_step_of_which_another_try_would_give_the_same() -> None:
    search = RateSearch(100, 1_000, within_ppm=500_000)
    search.tell(Outcome.HELD)
    assert search.next_rate == 200
    search.tell(Outcome.DOUBTFUL, final=True)
    assert search.next_rate == 150
    assert search.conclusion == Conclusion(Ending.GOING_ON, 100, 200, Outcome.DOUBTFUL)


def test_what_cannot_be_searched() -> None:
    with pytest.raises(ValueError, match="5 to 4 is no range of rates"):
        RateSearch(5, 4, within_ppm=50_000)
    search = RateSearch(1, 1, within_ppm=50_000)
    search.tell(Outcome.HELD)
    with pytest.raises(ValueError, match="the search is over"):
        search.tell(Outcome.HELD)
