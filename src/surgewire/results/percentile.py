"""Which percentiles are shown, and how large a sample must be to carry each.

A percentile is an estimate from the values beyond it: with fewer than ten of them, one value more
or less moves it at will. So p99 needs 1,000 values, and what a smaller sample would give as p99 is
not shown.
"""

from collections.abc import Mapping
from types import MappingProxyType

PERCENTILES: Mapping[str, float] = MappingProxyType(
    {"p50": 50.0, "p90": 90.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9}
)
"""Percentiles by key: the names that files use, rising."""

BEYOND = 10
"""Values that must lie beyond a percentile."""


def needed(key: str) -> int:
    """Return the number of values that a sample must have to carry the percentile of that key."""
    # 100 - 99.9 is no exact binary fraction; what is meant is a whole number.
    return round(BEYOND * 100 / (100 - PERCENTILES[key]))


def eligible(key: str, count: int) -> bool:
    """Tell whether a sample of `count` values carries the percentile of that key."""
    return count >= needed(key)


def display_name(key: str) -> str:
    """Return the name that people read: `p99.9` for the key `p99_9`."""
    return key.replace("_", ".")
