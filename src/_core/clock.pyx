"""Instants in integer nanoseconds.

All processes of a host share CLOCK_MONOTONIC, so instants taken by different workers compare.
"""


def now_ns() -> int:
    """Return the instant now in nanoseconds of CLOCK_MONOTONIC."""
    return clock_now_ns()


def realtime_ns() -> int:
    """Return the instant now in nanoseconds of CLOCK_REALTIME, the clock of kernel stamps."""
    return clock_realtime_ns()
