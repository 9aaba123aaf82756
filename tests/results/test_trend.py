"""Trends: found where there are some, and not in noise that remembers."""

import numpy as np
import numpy.typing as npt
import pytest

from surgewire.results.trend import MIN_POINTS, T_LIMIT, significance, slope

_Series = npt.NDArray[np.float64]
RUNS = 400


def noise(points: int, correlation: float, runs: int = RUNS) -> _Series:
    """Give rows of stationary AR(1) noise of standard deviation 1, always the same."""
    random = np.random.default_rng(20260131)
    shocks = random.standard_normal((runs, points)) * np.sqrt(1 - correlation**2)
    rows = np.empty((runs, points))
    # The first value is drawn from the stationary distribution: no warm-up that is a trend.
    rows[:, 0] = random.standard_normal(runs)
    for at in range(1, points):
        rows[:, at] = correlation * rows[:, at - 1] + shocks[:, at]
    return rows


def share_found(rows: _Series) -> float:
    return float(np.mean([significance(row) > T_LIMIT for row in rows]))


@pytest.mark.parametrize("points", [60, 120])
@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8, 0.9])
def test_noise_with_a_memory_is_no_trend(points: int, correlation: float) -> None:
    assert share_found(noise(points, correlation)) < 0.05


def test_few_points_are_enough_to_be_careful() -> None:
    assert share_found(noise(MIN_POINTS, 0.5)) < 0.05


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_spikes_are_no_trend(correlation: float) -> None:
    assert share_found(np.exp(3 * noise(120, correlation))) < 0.05


@pytest.mark.parametrize(("correlation", "growth"), [(0.0, 3.0), (0.5, 5.0), (0.9, 10.0)])
def test_a_trend_is_found_under_noise(correlation: float, growth: float) -> None:
    line = np.linspace(0, growth, 120)
    rows = noise(120, correlation, 100)
    assert share_found(rows + line) > 0.9
    assert share_found(rows - line) > 0.9


def test_a_trend_is_found_under_spikes() -> None:
    rows = np.exp(2 * noise(120, 0.3, 100)) + np.linspace(0, 12, 120)
    assert share_found(rows) > 0.9


def test_a_saw_tooth_on_level_ground_is_no_trend_and_one_that_climbs_is() -> None:
    teeth = np.arange(120) % 17 * 1.0
    assert significance(teeth) < T_LIMIT
    assert significance(teeth + np.linspace(0, 30, 120)) > T_LIMIT


def test_a_wave_is_no_trend() -> None:
    turns = np.linspace(0, 2 * np.pi, 120)
    assert significance(np.sin(3 * turns)) < T_LIMIT


def test_what_does_not_move_has_none() -> None:
    assert significance([5.0] * 100) == 0.0


def test_an_exact_line_is_beyond_all_doubt() -> None:
    assert significance(np.arange(100)) > 1_000
    assert significance(-np.arange(100)) > 1_000


def test_only_the_order_of_values_counts() -> None:
    row = noise(80, 0.5, 1)[0]
    assert significance(row) == pytest.approx(significance(np.exp(row)))


def test_too_few_values_are_refused() -> None:
    with pytest.raises(ValueError, match="a trend takes 30 values, these are 29"):
        significance(np.arange(MIN_POINTS - 1))


def test_the_slope_is_for_each_unit_of_the_places() -> None:
    assert slope([0.0, 0.5, 1.5], [7.0, 8.0, 10.0]) == pytest.approx(2.0)


def test_a_quarter_of_wild_values_does_not_move_the_slope_far() -> None:
    values = 3.0 * np.arange(100)
    values[::5] += 1e6
    assert slope(np.arange(100), values) == pytest.approx(3.0, rel=0.01)


@pytest.mark.parametrize("values", [[], [4.0]])
def test_one_value_has_no_slope(values: list[float]) -> None:
    assert slope(range(len(values)), values) == 0.0
