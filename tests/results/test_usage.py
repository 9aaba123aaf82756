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
    total = {"rss_bytes": 2 * each_bytes, "pss_bytes": each_bytes, "open": open_ // 2}
    return tuple(worker(number, **{**total, **changes}) for number in range(2))


def test_memory_per_connection_is_the_slope_from_first_to_fullest() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=memory(1_000, 20_000_000)), measured=False)
    usage.add(interval(2.0, workers=memory(5_000, 26_000_000)), measured=False)
    usage.add(interval(3.0, workers=memory(3_000, 90_000_000)), measured=False)
    assert usage.memory_per_connection_bytes == 3_000
    assert usage.pss_peak_bytes == 180_000_000
    assert usage.rss_peak_bytes == 360_000_000


def test_too_few_connections_carry_no_slope() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=memory(0, 20_000_000)), measured=False)
    usage.add(interval(2.0, workers=memory(98, 26_000_000)), measured=False)
    assert usage.memory_per_connection_bytes is None
    usage.add(interval(3.0, workers=memory(100, 20_150_000)), measured=False)
    assert usage.memory_per_connection_bytes == 3_000


def test_without_pss_the_slope_is_of_rss() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=memory(0, 10_000_000, pss_bytes=None)), measured=False)
    usage.add(interval(2.0, workers=memory(1_000, 11_000_000, pss_bytes=None)), measured=False)
    assert usage.pss_peak_bytes is None
    assert usage.memory_per_connection_bytes == 4_000


def test_a_death_ends_the_slope_but_not_the_peak() -> None:
    usage = Usage()
    usage.add(interval(1.0, workers=memory(0, 10_000_000)), measured=False)
    usage.add(interval(2.0, workers=memory(1_000, 12_000_000)), measured=False)
    alone = (worker(0, open=9_000, pss_bytes=1), worker(1, alive=False))
    usage.add(interval(3.0, workers=alone), measured=False)
    assert usage.memory_per_connection_bytes == 4_000
