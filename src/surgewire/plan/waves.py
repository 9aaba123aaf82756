"""Waves: so many users at once, again and again."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

from surgewire.plan.units import UnitError, format_duration, parse_duration, shorten

MAX_WAVES = 100
"""Each wave has a row of its own in what is counted."""

_WAVES = re.compile(r"(\d[\d_]*)\s*x\s*(\d[\d_]*)\s*/\s*(\S.*)")
_HINT = "write for example 5x2000/10s: five waves of 2,000, one every 10 s"


@dataclass(frozen=True, slots=True)
class Waves:
    """`count` waves of `size` users each, all of one at once; one begins every `every_ns`."""

    count: int
    size: int
    every_ns: int

    def __post_init__(self) -> None:
        """Raise UnitError for what makes no waves."""
        if not 1 <= self.count <= MAX_WAVES:
            raise UnitError(f"there may be 1 to {MAX_WAVES} waves, not {self.count:,}; {_HINT}")
        if self.size < 1:
            raise UnitError(f"a wave of nobody is none; {_HINT}")
        if self.every_ns < 1:
            raise UnitError(f"waves need a time between them; {_HINT}")

    @property
    def users(self) -> int:
        """How many there are in all waves together."""
        return self.count * self.size

    @property
    def span_ns(self) -> int:
        """Time from the first wave to the last, in nanoseconds."""
        return (self.count - 1) * self.every_ns

    def wave_of(self, user: int) -> int:
        """Return the number of the wave, from 0 on, in which `user` comes."""
        return user // self.size

    def instant_ns(self, user: int) -> int:
        """Return when the attempt of `user` is planned, in nanoseconds after the start."""
        return self.wave_of(user) * self.every_ns

    def planned_by(self, at_ns: int) -> int:
        """Return how many attempts are planned for `at_ns` after the start or earlier."""
        return min(at_ns // self.every_ns + 1, self.count) * self.size if at_ns >= 0 else 0

    def __str__(self) -> str:
        return f"{self.count}x{self.size}/{format_duration(self.every_ns)}"


def parse_waves(text: str) -> Waves:
    """Read ``5x2000/10s``. Raises UnitError."""
    match = _WAVES.fullmatch(text.strip())
    if match is None:
        raise UnitError(f"{shorten(text)} is not a row of waves; {_HINT}")
    count, size = (int(match[part].replace("_", "")) for part in (1, 2))
    return Waves(count, size, parse_duration(match[3]))


def _to_waves(value: Any) -> Any:
    if isinstance(value, str):
        return parse_waves(value)
    if isinstance(value, Waves) or value is None:
        return value
    raise UnitError(f"{shorten(value)} is not a row of waves; {_HINT}")


WavesField = Annotated[Waves, BeforeValidator(_to_waves), PlainSerializer(str)]
