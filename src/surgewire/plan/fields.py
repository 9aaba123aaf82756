"""The types of a plan's fields: text as people write it or the exact value, within sane bounds.

The bounds are wide: they are there to catch a slip of the pen, not to say what a machine can do.
"""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from surgewire.plan.target import Target, parse_target
from surgewire.plan.units import (
    Rate,
    UnitError,
    format_duration,
    format_rate,
    format_share,
    format_size,
    parse_count,
    parse_duration,
    parse_rate,
    parse_share,
    parse_size,
    shorten,
)

US = 1_000
MS = 1_000_000
S = 1_000_000_000
HOUR = 3_600 * S
DAY = 24 * HOUR

MAX_CONNECTIONS = 1_000_000
MAX_PROCESSES = 1_000
LONGEST_NS = 30 * DAY
MAX_RATE = Rate(100_000, S)
MIN_RATE = Rate(1, LONGEST_NS)
MAX_CONNECT_RATE = Rate(1_000_000, S)
MAX_TOTAL_RATE = Rate(100_000_000, S)


def _exact(parse: Callable[[str], int], what: str) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, str):
            return parse(value)
        if type(value) is not int:
            raise UnitError(f"{shorten(value)} is not {what}")
        return value

    return read


def _bounded(low: int, high: int, show: Callable[[int], str]) -> Callable[[int], int]:
    def check(value: int) -> int:
        if low <= value <= high:
            return value
        wrong = "too small" if value < low else "too large"
        shown = show(value) if value >= 0 else f"{value}"
        raise UnitError(f"{shown[:40]} is {wrong}; write a value from {show(low)} to {show(high)}")

    return check


def duration(low_ns: int, high_ns: int) -> tuple[BeforeValidator, AfterValidator]:
    """Give the validators of a duration in nanoseconds, given as int or as text with a unit."""
    read = _exact(parse_duration, "a duration; write text such as '10s', or whole nanoseconds")
    return BeforeValidator(read), AfterValidator(_bounded(low_ns, high_ns, format_duration))


def size(low_bytes: int, high_bytes: int) -> tuple[BeforeValidator, AfterValidator]:
    """Give the validators of a size in bytes, given as int or as text such as ``64k``."""
    read = _exact(parse_size, "a size; write text such as '64k', or whole bytes")
    return BeforeValidator(read), AfterValidator(_bounded(low_bytes, high_bytes, format_size))


def count(low: int, high: int) -> tuple[BeforeValidator, AfterValidator]:
    """Give the validators of a whole number, given as int or as text."""
    read = _exact(parse_count, "a whole number; write for example 10000")
    return BeforeValidator(read), AfterValidator(_bounded(low, high, "{:,}".format))


def share(low_ppm: int, high_ppm: int) -> tuple[BeforeValidator, AfterValidator]:
    """Give the validators of a share in millionths, given as int or as text such as ``10%``."""
    read = _exact(parse_share, "a share; write text such as '10%', or whole millionths")
    return BeforeValidator(read), AfterValidator(_bounded(low_ppm, high_ppm, format_share))


def rate(low: Rate, high: Rate) -> tuple[BeforeValidator, AfterValidator, PlainSerializer]:
    """Give the validators of a rate, given as Rate, as text such as ``0.2/s`` or as its dict."""

    def check(value: Rate) -> Rate:
        if value.count * low.per_ns < low.count * value.per_ns:
            raise UnitError(f"{format_rate(value)} is too low; write {format_rate(low)} or more")
        if value.count * high.per_ns > high.count * value.per_ns:
            raise UnitError(f"{format_rate(value)} is too high; write {format_rate(high)} or less")
        return value

    return BeforeValidator(_to_rate), AfterValidator(check), PlainSerializer(_rate_to_dict)


def _to_rate(value: Any) -> Rate:
    if isinstance(value, Rate):
        return value
    if isinstance(value, str):
        return parse_rate(value)
    if isinstance(value, dict) and value.keys() == {"count", "per_ns"}:
        return Rate(**value)
    raise UnitError(f"{shorten(value)} is not a rate; write text such as '500/s' or '0.2/s'")


def _rate_to_dict(value: Rate) -> dict[str, int]:
    return {"count": value.count, "per_ns": value.per_ns}


def _to_target(value: Any) -> Any:
    return parse_target(value) if isinstance(value, str) else value


TargetField = Annotated[
    Target, BeforeValidator(_to_target), PlainSerializer(lambda target: target.full_url)
]
