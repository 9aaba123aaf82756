from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.engine.interval import SECOND_NS, IntervalClock

MS = 1_000_000


def test_every_second_ends_an_interval():
    clock = IntervalClock(5 * SECOND_NS)
    for second in (6, 7, 8):
        assert clock.end_ns == second * SECOND_NS
        assert clock.end_interval(clock.end_ns) == SECOND_NS


def test_lateness_does_not_add_up():
    clock = IntervalClock(0)
    assert clock.end_interval(SECOND_NS + 30 * MS) == SECOND_NS + 30 * MS
    assert clock.end_ns == 2 * SECOND_NS


def test_what_was_slept_through_is_one_interval():
    clock = IntervalClock(0)
    assert clock.end_interval(4_900 * MS) == 4_900 * MS
    assert clock.end_ns == 6 * SECOND_NS, "a tenth of a second would say little"


def test_seconds_count_from_a_cut():
    clock = IntervalClock(0)
    clock.cut_at(400 * MS, 3_400 * MS)
    ends = []
    for _ in range(5):
        ends.append(clock.end_ns // MS)
        clock.end_interval(clock.end_ns)
    assert ends == [400, 1_400, 2_400, 3_400, 4_400]


def test_a_short_rest_before_a_cut_is_added():
    clock = IntervalClock(0)
    clock.cut_at(1_100 * MS)
    assert clock.end_ns == 1_100 * MS


def test_what_ends_before_it_began_has_no_length():
    clock = IntervalClock(SECOND_NS)
    assert clock.end_interval(0) == 0
    assert clock.end_ns == 2 * SECOND_NS


def test_cuts_can_be_forgotten():
    clock = IntervalClock(0)
    clock.cut_at(400 * MS)
    clock.cut_at()
    assert clock.end_ns == SECOND_NS


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 10_000 * MS), max_size=4),
    st.lists(st.integers(0, 3_000 * MS), min_size=1, max_size=30),
)
def test_intervals_tile_the_time_and_honour_every_cut(cuts, delays):
    clock, covered, seen = IntervalClock(0), 0, set()
    clock.cut_at(*cuts)
    for delay in delays:
        end = clock.end_ns
        assert clock.start_ns < end <= clock.start_ns + SECOND_NS * 5 // 4
        seen.add(end)
        if delay > 2_000 * MS:
            end += delay
        covered += clock.end_interval(end)
        assert covered == end == clock.start_ns
    if max(delays) <= 2_000 * MS:
        assert {cut for cut in cuts if 0 < cut <= covered} <= seen
