"""What processes used in one interval: those of the tester, and the target's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from surgewire.results import reading
from surgewire.results.reading import Reader, read


@dataclass(frozen=True, slots=True)
class WorkerSample:
    """What one worker process used in one interval."""

    worker: int
    pid: int
    alive: bool
    cpu_percent: float
    """CPU time of the interval in percent of one core: user and system."""
    rss_bytes: int
    pss_bytes: int | None
    """Proportional set size; None where the system does not tell."""
    open: int
    """Connections open at the end of the interval."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _WORKER}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("worker sample", data, _WORKER))


_WORKER: dict[str, Reader] = {
    "worker": reading.whole,
    "pid": reading.whole,
    "alive": reading.flag,
    "cpu_percent": reading.number,
    "rss_bytes": reading.whole,
    "pss_bytes": reading.whole_or_none,
    "open": reading.whole,
}


@dataclass(frozen=True, slots=True)
class TargetSample:
    """What the target's process and its children used in one interval."""

    pid: int
    alive: bool
    cpu_percent: float
    """CPU time of the interval in percent of one core: all of them together; 0 once it is gone."""
    rss_bytes: int
    """Resident memory, all of them together; 0 once it is gone."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _TARGET}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("target sample", data, _TARGET))


_TARGET: dict[str, Reader] = {
    "pid": reading.whole,
    "alive": reading.flag,
    "cpu_percent": reading.number,
    "rss_bytes": reading.whole,
}
