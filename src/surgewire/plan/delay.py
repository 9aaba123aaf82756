"""Delays and stalls of the embedded targets, as people write them."""

import math
from fractions import Fraction
from typing import Literal

from pydantic import BaseModel, ConfigDict

from surgewire.plan.fields import HOUR
from surgewire.plan.units import UnitError, parse_duration, shorten

_HINT = "write for example fixed:2ms, exponential:5ms or mix:1ms@99,50ms@1"
_MAX_PARTS = 16
_MAX_DELAY_NS = HOUR

DelayKind = Literal["fixed", "exponential"]


class DelayPart(BaseModel):
    """One way to delay, taken with ``weight`` out of the sum of all weights.

    ``ns`` is the delay in nanoseconds (fixed) or its mean (exponential).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    weight: int
    kind: DelayKind
    ns: int


class Delay(BaseModel):
    """How long the target waits before each answer; no parts means not at all."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    parts: tuple[DelayPart, ...] = ()


def parse_delay(text: str) -> Delay:
    """Read ``fixed:2ms``, ``exponential:5ms`` (the mean) or ``mix:1ms@99,50ms@1``.

    The parts of a mix are ``[fixed:|exponential:]DURATION@WEIGHT``; weights are relative to each
    other. Raises UnitError.
    """
    text = text.strip()
    if not text.startswith("mix:"):
        kind, ns = _kind_and_duration(text, text)
        return Delay(parts=(DelayPart(weight=1, kind=kind, ns=ns),))
    pieces = text.removeprefix("mix:").split(",")
    if len(pieces) > _MAX_PARTS:
        raise UnitError(f"{shorten(text)} has more than {_MAX_PARTS} parts")
    weighted = []
    for piece in pieces:
        value, at, weight = piece.strip().rpartition("@")
        if not at:
            raise UnitError(f"{shorten(piece)} has no weight; {_HINT}")
        weighted.append((_weight(weight, text), *_kind_and_duration(value, text)))
    scale = math.lcm(*(weight.denominator for weight, _, _ in weighted))
    return Delay(
        parts=tuple(
            DelayPart(weight=int(weight * scale), kind=kind, ns=ns) for weight, kind, ns in weighted
        )
    )


def parse_stall(text: str) -> tuple[int, int]:
    """Read ``1s/10s``, stop for 1 s every 10 s; gives both in nanoseconds. Raises UnitError."""
    length, slash, every = text.partition("/")
    if not slash:
        raise UnitError(f"{shorten(text)} is not a stall; write for example 1s/10s")
    stall_ns, every_ns = parse_duration(length), parse_duration(every)
    if not 0 < stall_ns < every_ns <= HOUR:
        raise UnitError(
            f"{shorten(text)} is not a stall: it must be shorter than its period, and that at most "
            "1h; write for example 1s/10s"
        )
    return stall_ns, every_ns


def _kind_and_duration(value: str, text: str) -> tuple[DelayKind, int]:
    name, colon, length = value.partition(":")
    if not colon:
        name, length = "fixed", value
    if name != "fixed" and name != "exponential":
        raise UnitError(f"{shorten(text)} is not a delay distribution; {_HINT}")
    ns = parse_duration(length)
    if ns > _MAX_DELAY_NS:
        raise UnitError(f"{shorten(text)} delays for more than 1h; {_HINT}")
    return ("fixed" if name == "fixed" else "exponential"), ns


def _weight(weight: str, text: str) -> Fraction:
    try:
        value = Fraction(weight.strip().removesuffix("%")) if len(weight) <= 20 else Fraction(0)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= 10**9 or value.denominator > 10**9:
        raise UnitError(f"{shorten(text)} has a bad weight {shorten(weight)}; {_HINT}")
    return value
