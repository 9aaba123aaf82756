"""Disconnects over time: by kind, in constant memory."""

from surgewire.results.bins import MOST_BINS
from surgewire.results.disconnects import DisconnectWatch
from tests.results.samples import interval


def test_kinds_over_time() -> None:
    watch = DisconnectWatch()
    watch.add(interval(1.0))
    watch.add(interval(2.0, closed={"eof": 2, "close_1001": 1}))
    watch.add(interval(4.0, closed={"close_1001": 3, "tcp_reset": 0}))
    assert watch.disconnects().to_dict() == {
        "bin_s": 1.0,
        "kinds": {
            "close_1001": {"count": 4, "first_s": 1.0, "last_s": 4.0, "per_bin": [0, 1, 0, 3]},
            "eof": {"count": 2, "first_s": 1.0, "last_s": 2.0, "per_bin": [0, 2, 0, 0]},
        },
    }


def test_nothing_ended() -> None:
    assert DisconnectWatch().disconnects().to_dict() == {"bin_s": 1.0, "kinds": {}}


def test_a_long_run_takes_no_more_memory() -> None:
    watch = DisconnectWatch()
    for hour in range(100):
        watch.add(interval(hour * 3_600.0, closed={"eof": 1}))
    course = watch.disconnects()
    assert len(course.kinds["eof"].per_bin) <= MOST_BINS
    assert sum(course.kinds["eof"].per_bin) == 100
    assert course.bin_s == 4_096.0
