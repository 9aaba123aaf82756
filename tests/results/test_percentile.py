"""Percentiles are shown only where the sample carries them."""

import pytest

from surgewire.results.percentile import (
    BEYOND,
    PERCENTILES,
    display_name,
    eligible,
    needed,
)

NEEDED = {"p50": 20, "p90": 100, "p95": 200, "p99": 1_000, "p99_9": 10_000}


def test_keys_and_percentiles_rise():
    assert list(PERCENTILES) == list(NEEDED)
    assert list(PERCENTILES.values()) == [50.0, 90.0, 95.0, 99.0, 99.9]


def test_names_for_people():
    assert [display_name(key) for key in PERCENTILES] == ["p50", "p90", "p95", "p99", "p99.9"]


@pytest.mark.parametrize(("key", "count"), NEEDED.items())
def test_a_percentile_needs_ten_values_beyond_it(key, count):
    assert needed(key) == count
    assert not eligible(key, count - 1)
    assert eligible(key, count)
    per_mille_beyond = 1_000 - round(PERCENTILES[key] * 10)
    assert count * per_mille_beyond == BEYOND * 1_000


@pytest.mark.parametrize(
    ("count", "keys"),
    [
        (0, ()),
        (19, ()),
        (20, ("p50",)),
        (199, ("p50", "p90")),
        (999, ("p50", "p90", "p95")),
        (9_999, ("p50", "p90", "p95", "p99")),
        (10**12, ("p50", "p90", "p95", "p99", "p99_9")),
    ],
)
def test_what_a_sample_carries(count, keys):
    assert tuple(key for key in PERCENTILES if eligible(key, count)) == keys


def test_an_unknown_key_is_an_error():
    with pytest.raises(KeyError):
        eligible("p12", 5)
