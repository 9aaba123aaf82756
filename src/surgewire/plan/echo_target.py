"""What the embedded echo target is to do: where it listens, how it delays, when it stalls."""

import math
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from surgewire.plan import fields
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


def _to_delay(value: Any) -> Any:
    return parse_delay(value) if isinstance(value, str) else value


class EchoTargetConfig(BaseModel):
    """Everything that decides what the echo target does. Frozen.

    ``port`` 0 takes a free one. ``stall_ns`` of silence begin every ``stall_every_ns``; both are
    0 without stalls. ``truth`` is the file for the record of what was done, None for none.
    Raises pydantic's ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    host: str = "127.0.0.1"
    port: Annotated[int, *fields.count(0, 65_535)] = 8765
    processes: Annotated[int, *fields.count(1, fields.MAX_PROCESSES)] = 1
    delay: Annotated[Delay, BeforeValidator(_to_delay)] = Delay()
    stall_ns: Annotated[int, *fields.duration(0, HOUR)] = 0
    stall_every_ns: Annotated[int, *fields.duration(0, HOUR)] = 0
    truth: Path | None = None
    max_message_bytes: Annotated[int, *fields.size(1 << 10, 1 << 30)] = 16 << 20
    seed: Annotated[int, *fields.count(0, 2**63 - 1)] = 1

    if TYPE_CHECKING:
        # Fields take more types than they hold: text with a unit for numbers.
        def __init__(self, **values: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _split_stall(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "stall" not in data:
            return data
        try:
            stall_ns, every_ns = parse_stall(str(data["stall"]))
        except UnitError as error:
            raise UnitError(f"--stall: {error}") from None
        rest = {name: value for name, value in data.items() if name != "stall"}
        return {**rest, "stall_ns": stall_ns, "stall_every_ns": every_ns}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.host or any(c.isspace() or not c.isprintable() for c in self.host):
            raise UnitError(f"--host: {shorten(self.host)} is no address; write 127.0.0.1 or ::1")
        if bool(self.stall_ns) != bool(self.stall_every_ns) or (
            self.stall_ns and self.stall_ns >= self.stall_every_ns
        ):
            raise UnitError("--stall must be shorter than its period; write for example 1s/10s")
        return self


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
