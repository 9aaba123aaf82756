"""The clock is CLOCK_MONOTONIC and CLOCK_REALTIME, in whole nanoseconds."""

import time
from itertools import pairwise

from surgewire._core import clock


def test_now_is_the_monotonic_clock():
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    now_ns = clock.now_ns()
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    assert isinstance(now_ns, int)
    assert before <= now_ns <= after


def test_realtime_is_the_time_of_day():
    now_ns = clock.realtime_ns()
    # The time of day can be stepped while the test runs, so only the order of magnitude is certain.
    assert isinstance(now_ns, int)
    assert abs(now_ns - time.time_ns()) < 60 * 1_000_000_000


def test_now_never_goes_back():
    instants = [clock.now_ns() for _ in range(10_000)]
    assert instants == sorted(instants)


def test_now_resolves_below_a_microsecond():
    instants = sorted({clock.now_ns() for _ in range(10_000)})
    steps = [later - earlier for earlier, later in pairwise(instants)]
    assert min(steps) < 1_000
