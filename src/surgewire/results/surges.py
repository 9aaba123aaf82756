"""Surges: storms, waves and returns; how many came in, and how long it took to the last."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

from surgewire.plan.waves import MAX_WAVES
from surgewire.results import reading
from surgewire.results.reading import Reader, read

if TYPE_CHECKING:
    from surgewire.results.asked import Asked

RETURNS = MAX_WAVES
"""Number of the surge of those that left together and come back."""

_DECIMALS = 3


def _number_or_none(value: Any) -> float | None:
    return None if value is None else reading.number(value)


_SAMPLE: dict[str, Reader] = {
    "number": reading.whole,
    "users": reading.whole,
    "came": reading.whole,
    "planned_s": reading.number,
    "last_s": _number_or_none,
}


@dataclass(frozen=True, slots=True)
class SurgeSample:
    """What is known of a surge by now; times are seconds since the start instant of the run."""

    number: int
    """Of the wave, from 0 on; RETURNS for those that come back."""
    users: int
    came: int
    planned_s: float
    last_s: float | None
    """When the latest came in; None while nobody is."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _SAMPLE}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("surge", data, _SAMPLE))


def read_samples(value: Any) -> tuple[SurgeSample, ...]:
    """Read a list of samples back; raise ``ValueError`` for anything else."""
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return tuple(SurgeSample.from_dict(item) for item in value)


@dataclass(frozen=True, slots=True)
class Surge:
    """One storm, wave or return."""

    kind: str
    """``storm``, ``wave`` or ``return``."""
    number: int
    """Of the wave, from 1 on; 1 for a storm and a return."""
    planned_s: float
    """When it was to begin, since the start of the run."""
    users: int
    came: int
    """How many of them got in."""
    all_in_s: float | None
    """From the planned instant until the last of them was in; None where not all are."""
    last_in_s: float | None
    """From the planned instant until the last of those was in that got in."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def surges_of(samples: Mapping[int, SurgeSample], asked: "Asked") -> tuple[Surge, ...]:
    """Give what became of each surge, in their order."""
    first = "storm" if asked.plan.get("storm") is not None else "wave"
    return tuple(_surge(samples[number], first) for number in sorted(samples))


def not_back(surges: tuple[Surge, ...]) -> int:
    """Return how many of those that left together did not come back."""
    return sum(surge.users - surge.came for surge in surges if surge.kind == "return")


def _surge(sample: SurgeSample, first: str) -> Surge:
    returns = sample.number == RETURNS
    last_in_s = None
    if sample.last_s is not None:
        last_in_s = round(max(sample.last_s - sample.planned_s, 0.0), _DECIMALS)
    return Surge(
        kind="return" if returns else first,
        number=1 if returns else sample.number + 1,
        planned_s=round(sample.planned_s, _DECIMALS),
        users=sample.users,
        came=sample.came,
        all_in_s=last_in_s if sample.came >= sample.users else None,
        last_in_s=last_in_s,
    )
