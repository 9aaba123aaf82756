"""Sizes of messages as people write them: one, a range, or several with weights."""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, PlainSerializer

from surgewire.plan.units import UnitError, format_size, parse_size, shorten

MAX_PARTS = 64
"""Sizes that may be named; ``surgewire._core.sizes.MAX_PARTS``."""

_HINT = "write for example 64, 64..4k or 100,1k,10k@70,25,5"
_MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class SizeDistribution:
    """How large messages are, in bytes; made by ``parse_sizes``.

    ``parts`` is what ``SizePicker`` takes with the ``kind``: (size,), (least, most), or pairs
    (size, weight) of which each is taken with its weight out of the sum.
    """

    kind: Literal["fixed", "uniform", "choice"]
    parts: tuple[int, ...] | tuple[tuple[int, int], ...]

    @property
    def least_bytes(self) -> int:
        """The smallest size that can come."""
        return min(self._sizes)

    @property
    def most_bytes(self) -> int:
        """The largest size that can come."""
        return max(self._sizes)

    @property
    def _sizes(self) -> list[int]:
        return [part if isinstance(part, int) else part[0] for part in self.parts]

    def __str__(self) -> str:
        sizes = [format_size(size) for size in self._sizes]
        if self.kind != "choice":
            return "..".join(sizes)
        weights = [str(part[1]) for part in self.parts if not isinstance(part, int)]
        return f"{','.join(sizes)}@{','.join(weights)}"


def parse_sizes(text: str) -> SizeDistribution:
    """Read ``64``, ``64..4k`` (each size in between as likely) or ``100,1k,10k@70,25,5``.

    The last are sizes with their weights; without weights all are as likely. Raises UnitError.
    """
    text = text.strip()
    if len(text) > _MAX_TEXT:
        raise UnitError(f"{shorten(text)} is not a size; {_HINT}")
    if ".." in text:
        least, _, most = text.partition("..")
        return _uniform(text, parse_size(least), parse_size(most))
    if "," in text or "@" in text:
        return _choice(text)
    return SizeDistribution("fixed", (parse_size(text),))


def _uniform(text: str, least: int, most: int) -> SizeDistribution:
    if least > most:
        turned = f"{format_size(most)}..{format_size(least)}"
        raise UnitError(f"{shorten(text)} goes down; write {turned}")
    return SizeDistribution("uniform", (least, most))


def _choice(text: str) -> SizeDistribution:
    named, at, weighed = text.partition("@")
    sizes = [parse_size(size) for size in named.split(",")]
    weights = [_weight(weight, text) for weight in weighed.split(",")] if at else [Fraction(1)]
    if not at:
        weights *= len(sizes)
    if len(weights) != len(sizes):
        raise UnitError(
            f"{shorten(text)} has {len(sizes)} sizes and {len(weights)} weights; {_HINT}"
        )
    if len(sizes) > MAX_PARTS:
        raise UnitError(f"{shorten(text)} has more than {MAX_PARTS} sizes; write fewer, or a range")
    scale = math.lcm(*(weight.denominator for weight in weights))
    whole = [int(weight * scale) for weight in weights]
    divisor = math.gcd(*whole)
    return SizeDistribution(
        "choice", tuple((s, w // divisor) for s, w in zip(sizes, whole, strict=True))
    )


def _weight(text: str, whole: str) -> Fraction:
    try:
        value = Fraction(text.strip().removesuffix("%")) if len(text) <= 12 else Fraction(0)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= 10**6 or value.denominator > 10**3:
        raise UnitError(f"{shorten(whole)} has a bad weight {shorten(text)}; {_HINT}")
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return parse_sizes(value)
    if value is None or isinstance(value, SizeDistribution):
        return value
    raise UnitError(f"{shorten(value)} is not a size; write text such as '64' or '64..4k'")


SizesField = Annotated[SizeDistribution, BeforeValidator(_read), PlainSerializer(str)]
