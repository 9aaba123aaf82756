"""Durations, rates, sizes, shares and counts as people write them, and the way back.

All results are exact integers (or exact ratios of integers): nothing passes through a float. The
formatting functions give text that the parsing functions read back to the same value.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

_NS_PER_UNIT = {
    "d": 86_400_000_000_000,
    "h": 3_600_000_000_000,
    "m": 60_000_000_000,
    "s": 1_000_000_000,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
_BYTES_PER_UNIT = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

_WHOLE = r"[0-9]+(?:_[0-9]+)*"
_NUMBER = rf"{_WHOLE}(?:\.[0-9]+)?"
_DURATION_PART = re.compile(rf"({_NUMBER})(ns|us|µs|μs|ms|s|m|h|d)")
_RATE = re.compile(rf"({_NUMBER})/(.+)")
_SIZE = re.compile(rf"({_NUMBER})([kmg]?)(?:i?b)?", re.IGNORECASE)
_COUNT = re.compile(_WHOLE)
_SHARE = re.compile(rf"({_NUMBER})\s*%")
_SHARE_UNITS = {"s": "s", "min": "m", "m": "m", "h": "h"}

PPM = 1_000_000
"""Millionths of a whole."""

# Longer than any sensible value; keeps a pasted novel out of error messages and big-number code.
_MAX_LENGTH = 40

_DURATION_HINT = "write for example 250ms, 10s or 1m30s"
_RATE_HINT = "write for example 500/s, 0.2/s or 30/m"
_SIZE_HINT = "write for example 64, 64k or 16m"
_SHARE_HINT = "write for example 10% or 0.5%"
_SHARE_RATE_HINT = "write for example 5%/min"
_COUNT_HINT = "write a whole number, for example 10000"


class UnitError(ValueError):
    """A value that is not written as one; the message names it and shows a right one."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often: ``count`` times every ``per_ns`` nanoseconds, exact and in lowest terms.

    Raises UnitError for anything that is not a positive ratio.
    """

    count: int
    per_ns: int

    def __post_init__(self) -> None:
        """Reduce to lowest terms."""
        if type(self.count) is not int or type(self.per_ns) is not int:
            raise UnitError(f"a rate is two whole numbers, not {self.count!r} and {self.per_ns!r}")
        if self.count < 1 or self.per_ns < 1:
            raise UnitError(f"a rate must be above zero; {_RATE_HINT}")
        divisor = math.gcd(self.count, self.per_ns)
        object.__setattr__(self, "count", self.count // divisor)
        object.__setattr__(self, "per_ns", self.per_ns // divisor)

    @property
    def per_s(self) -> float:
        """The same, in times per second."""
        return self.count * 1_000_000_000 / self.per_ns

    def __str__(self) -> str:
        return format_rate(self)


def shorten(value: object, limit: int = _MAX_LENGTH) -> str:
    """``repr`` of a value, on one line and not much longer than ``limit`` characters."""
    text = repr(value)
    return text if len(text) <= limit + 2 else f"{text[:limit]}…"


def parse_duration(text: str) -> int:
    """Read a duration such as ``250ms``, ``10s``, ``1.5h`` or ``1m30s``; gives nanoseconds.

    Units are ``ns us ms s m h d``, each at most once, the largest first. A number without a unit
    is refused, except ``0``, which is the same in each. Raises UnitError.
    """
    text = _stripped(text, "a duration", _DURATION_HINT)
    if text == "0":
        return 0
    if re.fullmatch(_NUMBER, text):
        raise UnitError(f"{text!r} has no unit; write {text}s for seconds or {text}ms")
    total = Fraction(0)
    position, smallest = 0, math.inf
    while position < len(text):
        match = _DURATION_PART.match(text, position)
        if match is None:
            raise UnitError(f"{text!r} is not a duration; {_DURATION_HINT}")
        factor = _NS_PER_UNIT[match[2].replace("µ", "u").replace("μ", "u")]
        if factor >= smallest:
            raise UnitError(f"{text!r} has its units out of order; {_DURATION_HINT}")
        total += Fraction(match[1]) * factor
        position, smallest = match.end(), factor
    if total.denominator != 1:
        raise UnitError(f"{text!r} is finer than a nanosecond; {_DURATION_HINT}")
    return int(total)


def parse_rate(text: str) -> Rate:
    """Read a rate such as ``500/s``, ``0.2/s``, ``30/m`` or ``1/5s``. Raises UnitError."""
    text = _stripped(text, "a rate", _RATE_HINT)
    match = _RATE.fullmatch(text)
    if match is None:
        if re.fullmatch(_NUMBER, text):
            raise UnitError(f"{text!r} does not say per what; write {text}/s or {text}/m")
        raise UnitError(f"{text!r} is not a rate; {_RATE_HINT}")
    count, per = Fraction(match[1]), match[2]
    try:
        per_ns = parse_duration(per if per[0].isdigit() else f"1{per}")
    except UnitError:
        raise UnitError(f"{text!r} is not a rate; {_RATE_HINT}") from None
    if count == 0 or per_ns == 0:
        raise UnitError(f"{text!r} is no rate: it must be above zero; {_RATE_HINT}")
    ratio = count / per_ns
    return Rate(ratio.numerator, ratio.denominator)


def parse_rate_range(text: str) -> tuple[Rate, Rate | None]:
    """Read ``500/s``, or a climb ``100/s..500/s`` (also ``100..500/s``); the end is None without.

    Raises UnitError.
    """
    first, dots, last = text.partition("..")
    if not dots:
        return parse_rate(text), None
    end = parse_rate(last)
    if re.fullmatch(_NUMBER, first.strip()):
        first = f"{first.strip()}/{last.partition('/')[2]}"
    return parse_rate(first), end


def parse_size(text: str) -> int:
    """Read a size such as ``64``, ``64k``, ``1.5m`` or ``16MiB``; ``k`` is 1024. Gives bytes.

    Raises UnitError.
    """
    text = _stripped(text, "a size", _SIZE_HINT)
    match = _SIZE.fullmatch(text)
    if match is None:
        raise UnitError(f"{text!r} is not a size; {_SIZE_HINT}")
    size = Fraction(match[1]) * _BYTES_PER_UNIT[match[2].lower()]
    if size.denominator != 1:
        raise UnitError(f"{text!r} is not a whole number of bytes; {_SIZE_HINT}")
    return int(size)


def parse_count(text: str) -> int:
    """Read a whole number such as ``10000`` or ``10_000``. Raises UnitError."""
    text = _stripped(text, "a whole number", _COUNT_HINT)
    if _COUNT.fullmatch(text) is None:
        raise UnitError(f"{text!r} is not a whole number; {_COUNT_HINT}")
    return int(text.replace("_", ""))


def parse_share(text: str) -> int:
    """Read a share such as ``10%`` or ``0.5%``; gives millionths, exact. Raises UnitError."""
    text = _stripped(text, "a share", _SHARE_HINT)
    match = _SHARE.fullmatch(text)
    if match is None:
        if re.fullmatch(_NUMBER, text):
            raise UnitError(f"{text!r} has no %; write {text}%")
        raise UnitError(f"{text!r} is not a share; {_SHARE_HINT}")
    share = Fraction(match[1]) * (PPM // 100)
    if share > PPM:
        raise UnitError(f"{text!r} is more than all; write 100% or less")
    if share.denominator != 1:
        raise UnitError(f"{text!r} is finer than 0.0001%; {_SHARE_HINT}")
    return int(share)


def parse_share_rate(text: str) -> tuple[int, int]:
    """Read a share per time such as ``5%/min``; gives millionths and nanoseconds.

    Times are ``/s``, ``/min`` and ``/h``. Raises UnitError.
    """
    text = _stripped(text, "a share per time", _SHARE_RATE_HINT)
    share, slash, per = text.partition("/")
    unit = _SHARE_UNITS.get(per.strip())
    if not slash and share.endswith("%"):
        raise UnitError(f"{text!r} does not say per what; write {text}/min")
    if unit is None:
        raise UnitError(f"{text!r} is not a share per time; {_SHARE_RATE_HINT}")
    return parse_share(share), _NS_PER_UNIT[unit]


def format_share(share_ppm: int) -> str:
    """Write a share the short way: ``10%``, ``0.5%``. Exact."""
    return f"{_decimal(Fraction(share_ppm, PPM // 100))}%"


def format_duration(duration_ns: int) -> str:
    """Write a duration the short way: ``250ms``, ``1.5s``, ``1m30s``. Exact."""
    if duration_ns < 0:
        raise ValueError(f"a duration cannot be negative: {duration_ns} ns")
    if duration_ns == 0:
        return "0s"
    if duration_ns < _NS_PER_UNIT["s"]:
        unit = next(u for u in ("ms", "us", "ns") if duration_ns >= _NS_PER_UNIT[u])
        return f"{_decimal(Fraction(duration_ns, _NS_PER_UNIT[unit]))}{unit}"
    parts = []
    rest = duration_ns
    for unit in ("d", "h", "m"):
        number, rest = divmod(rest, _NS_PER_UNIT[unit])
        if number:
            parts.append(f"{number}{unit}")
    if rest:
        parts.append(f"{_decimal(Fraction(rest, _NS_PER_UNIT['s']))}s")
    return "".join(parts)


def format_rate(rate: Rate) -> str:
    """Write a rate the short way: ``500/s``, ``0.2/s``, ``1/7s``. Exact."""
    for unit in ("s", "m", "h"):
        per_unit = Fraction(rate.count * _NS_PER_UNIT[unit], rate.per_ns)
        if 1000 % per_unit.denominator == 0:
            return f"{_decimal(per_unit)}/{unit}"
    return f"{rate.count}/{format_duration(rate.per_ns)}"


def format_size(size_bytes: int) -> str:
    """Write a size the short way: ``64``, ``64k``, ``16m``. Exact."""
    if size_bytes < 0:
        raise ValueError(f"a size cannot be negative: {size_bytes} bytes")
    for unit in ("g", "m", "k"):
        number, rest = divmod(size_bytes, _BYTES_PER_UNIT[unit])
        if number and not rest:
            return f"{number}{unit}"
    return str(size_bytes)


def _stripped(text: str, what: str, hint: str) -> str:
    text = text.strip()
    if not text or len(text) > _MAX_LENGTH:
        raise UnitError(f"{shorten(text)} is not {what}; {hint}")
    if text.startswith("-"):
        raise UnitError(f"{text!r} is negative; {hint}")
    return text


def _decimal(value: Fraction) -> str:
    """Exact decimal notation of a fraction whose denominator has no factors but 2 and 5."""
    places = 0
    while value.denominator != 1:
        value *= 10
        places += 1
    digits = str(value.numerator).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
