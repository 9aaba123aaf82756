"""The measure itself: slopes that are known, and noise that is none."""

import mmap

import numpy as np
import pytest

from tests.soak.memory import resident_bytes, slope

PLACES = np.arange(200.0)


def series(values: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(PLACES.tolist(), values.tolist(), strict=True))


def test_a_straight_line_has_its_slope_and_no_error() -> None:
    found = slope(series(3.0 * PLACES + 7.0))
    assert found.per_unit == pytest.approx(3.0)
    assert found.standard_error == pytest.approx(0.0, abs=1e-9)
    assert slope(series(0.0 * PLACES)).at_least == 0.0


def test_the_error_is_that_of_many_repetitions() -> None:
    dice = np.random.default_rng(1)
    found = [slope(series(2.0 * PLACES + dice.normal(0.0, 50.0, 200))) for _ in range(300)]
    scatter = np.std([each.per_unit for each in found])
    assert np.mean([each.per_unit for each in found]) == pytest.approx(2.0, abs=0.05)
    assert np.mean([each.standard_error for each in found]) == pytest.approx(scatter, rel=0.2)
    assert sum(each.at_least > 2.0 for each in found) <= 3


def test_neighbours_that_are_alike_do_not_make_a_slope() -> None:
    dice = np.random.default_rng(2)
    wrong = 0
    for _ in range(200):
        noise = dice.normal(0.0, 1.0, 200)
        for place in range(1, 200):
            noise[place] += 0.9 * noise[place - 1]
        wrong += slope(series(noise)).at_least > 0.0
    assert wrong <= 6


def test_memory_is_that_of_the_process() -> None:
    before = resident_bytes()
    # Pages of its own: what was freed earlier in this process could hold any other block.
    with mmap.mmap(-1, 20 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block.write(b"\xff" * len(block))
        assert resident_bytes() - before > 15 << 20
    with pytest.raises(FileNotFoundError):
        resident_bytes(2**22 + 1)
