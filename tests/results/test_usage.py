"""CPU time and memory of the workers."""

import pytest

from surgewire.results.usage import Usage
from tests.results.samples import interval, worker


def test_cpu_is_the_mean_of_the_measured_phase() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=(worker(0, cpu_percent=80.0),)), measured=False)
    usage.add(interval(2.0, workers=(worker(0, cpu_percent=20.0),)), measured=True)
    usage.add(interval(2.5, length_s=0.5, workers=(worker(0, cpu_percent=50.0),)), measured=True)
    (only,) = usage.in_order
    assert only.cpu_percent == pytest.approx((0.2 + 0.25) / 1.5 * 100)
    assert only.cpu_s == pytest.approx(0.8 + 0.2 + 0.25)


def test_before_the_measured_phase_cpu_is_that_of_the_run() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=(worker(1), worker(0, cpu_percent=10.0))), measured=False)
    assert [(one.worker, one.cpu_percent) for one in usage.in_order] == [(0, 10.0), (1, 40.0)]


def test_saturation_is_counted_in_a_row() -> None:
    usage = Usage()
    for at, cpu in enumerate([95.0, 90.0, 89.9, 90.0, 90.0, 90.0, 10.0]):
        usage.add(interval(float(at), workers=(worker(0, cpu_percent=cpu),)), measured=False)
    assert usage.in_order[0].saturated_in_a_row == 3


def memory(open_: int, each_bytes: int, **changes: object) -> tuple[object, ...]:
    total = {"rss_bytes": each_bytes, "pss_bytes": each_bytes // 2, "open": open_ // 2}
    return tuple(worker(number, **{**total, **changes}) for number in range(2))


def usage_of(*samples: tuple[object, ...]) -> Usage:
    usage = Usage()
    for at, sample in enumerate(samples):
        usage.add(interval(float(at), workers=sample), measured=False)
    return usage


def test_memory_per_connection_is_the_slope_from_first_to_fullest() -> None:
    usage = usage_of(
        memory(1_000, 20_000_000), memory(5_000, 26_000_000), memory(3_000, 90_000_000)
    )
    assert usage.memory_per_connection_bytes == 3_000
    assert usage.pss_peak_bytes == 90_000_000
    assert usage.rss_peak_bytes == 180_000_000


def test_of_intervals_that_are_equally_full_the_latest_counts() -> None:
    usage = usage_of(memory(0, 10_000_000), memory(2_000, 12_000_000), memory(2_000, 13_000_000))
    assert usage.memory_per_connection_bytes == 3_000


def test_too_few_connections_carry_no_slope() -> None:
    assert (
        usage_of(memory(0, 20_000_000), memory(998, 26_000_000)).memory_per_connection_bytes is None
    )
    assert (
        usage_of(memory(0, 20_000_000), memory(1_000, 21_500_000)).memory_per_connection_bytes
        == 3_000
    )


def test_memory_that_shrank_tells_nothing() -> None:
    usage = usage_of(memory(0, 20_000_000), memory(2_000, 19_000_000))
    assert usage.memory_per_connection_bytes is None


def test_where_the_system_tells_no_pss_there_is_none() -> None:
    usage = usage_of(memory(0, 10_000_000, pss_bytes=None))
    assert (usage.pss_peak_bytes, usage.rss_peak_bytes) == (None, 20_000_000)


def test_a_death_ends_the_slope_but_not_the_peak() -> None:
    usage = usage_of(
        memory(0, 10_000_000),
        memory(1_000, 12_000_000),
        (worker(0, open=9_000, rss_bytes=90_000_000), worker(1, alive=False)),
    )
    assert usage.memory_per_connection_bytes == 4_000
    assert usage.rss_peak_bytes == 90_000_000


def test_without_samples_nothing_is_known() -> None:
    usage = usage_of(())
    assert (usage.memory_per_connection_bytes, usage.rss_peak_bytes) == (None, 0)
