"""Records: what the supervisor writes into the journal, and all that a result is made from.

Every record is a frozen dataclass. ``to_dict`` gives types that msgpack can carry; ``from_dict``
ignores unknown keys, so that a journal of a newer minor version stays readable, and raises
``ValueError`` with the record, the key and what is wrong with it otherwise.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

from surgewire.results.sparse import SparseHistogram

FORMAT = 1
"""Format number of the records, in ``StartRecord.format``."""

PHASES: tuple[str, ...] = (
    "starting",
    "connecting",
    "warmup",
    "sending",
    "draining",
    "holding",
    "closing",
)
"""Phases of a run, in ``IntervalRecord.phase`` and in events of kind ``phase``."""

Reader: TypeAlias = Callable[[Any], Any]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a text")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    return value


def _whole_or_none(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _number(value: Any) -> float:
    # The comparison is false for NaN and for infinities: neither may reach a result.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e18:
        raise ValueError("must be a finite number")
    return float(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError("must be a map with texts as keys")
    return dict(value)


def _counts(value: Any) -> dict[str, int]:
    return {name: _whole(count) for name, count in _mapping(value).items()}


def _read(kind: str, data: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Take the keys of ``readers`` out of ``data``, each through its reader."""
    if not isinstance(data, Mapping):
        raise ValueError(f"{kind}: must be a map, is {type(data).__name__}")
    values = {}
    for name, reader in readers.items():
        if name not in data:
            raise ValueError(f"{kind}: {name!r} is missing")
        try:
            values[name] = reader(data[name])
        except ValueError as error:
            raise ValueError(f"{kind}: {name!r}: {error}") from None
    return values


@dataclass(frozen=True, slots=True)
class StartRecord:
    """First in the journal: what is to be done, by whom and where."""

    TYPE: ClassVar[str] = "start"

    format: int
    run_id: str
    started_at: str
    """ISO 8601, UTC: ``2026-01-31T12:00:00Z``."""
    plan: dict[str, Any]
    """``plan.to_dict()``."""
    version: str
    machine: dict[str, Any]
    """Free-form facts about the machine: ``system cpus python uvloop`` …"""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _START}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**_read("start record", data, _START))


_START: dict[str, Reader] = {
    "format": _whole,
    "run_id": _text,
    "started_at": _text,
    "plan": _mapping,
    "version": _text,
    "machine": _mapping,
}


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
        return cls(**_read("worker sample", data, _WORKER))


_WORKER: dict[str, Reader] = {
    "worker": _whole,
    "pid": _whole,
    "alive": _flag,
    "cpu_percent": _number,
    "rss_bytes": _whole,
    "pss_bytes": _whole_or_none,
    "open": _whole,
}


def _samples(value: Any) -> tuple[WorkerSample, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return tuple(WorkerSample.from_dict(item) for item in value)


def _histograms(value: Any) -> dict[str, SparseHistogram]:
    return {name: SparseHistogram.from_dict(item) for name, item in _mapping(value).items()}


@dataclass(frozen=True, slots=True)
class IntervalRecord:
    """What one interval (about a second) added."""

    TYPE: ClassVar[str] = "interval"

    at_s: float
    """End of the interval, seconds since the start instant of the run."""
    length_s: float
    phase: str
    """Phase at the end of the interval, one of ``PHASES``."""
    counters: dict[str, int]
    """Deltas by name: those of the ledger and of the traffic, all workers together."""
    gauges: dict[str, int] = field(default_factory=dict)
    """``open`` now and ``peak_open`` of the run so far, all workers together."""
    histograms: dict[str, SparseHistogram] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """Attempts that failed, deltas by kind."""
    closed: dict[str, int] = field(default_factory=dict)
    """Established connections that ended before we closed them, deltas by kind."""
    workers: tuple[WorkerSample, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        data = {name: getattr(self, name) for name in _INTERVAL}
        data["histograms"] = {name: item.to_dict() for name, item in self.histograms.items()}
        data["workers"] = [sample.to_dict() for sample in self.workers]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**_read("interval record", data, _INTERVAL))


_INTERVAL: dict[str, Reader] = {
    "at_s": _number,
    "length_s": _number,
    "phase": _text,
    "counters": _counts,
    "gauges": _counts,
    "histograms": _histograms,
    "errors": _counts,
    "closed": _counts,
    "workers": _samples,
}


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened at an instant. ``kind`` and ``detail`` are listed in the design."""

    TYPE: ClassVar[str] = "event"

    at_s: float
    kind: str
    detail: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _EVENT}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**_read("event record", data, _EVENT))


_EVENT: dict[str, Reader] = {"at_s": _number, "kind": _text, "detail": _mapping}


@dataclass(frozen=True, slots=True)
class EndRecord:
    """Last in the journal of a run that could say good-bye."""

    TYPE: ClassVar[str] = "end"

    at_s: float
    reason: str
    """``finished``, ``interrupted`` or ``failed``."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _END}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**_read("end record", data, _END))


_END: dict[str, Reader] = {"at_s": _number, "reason": _text}

Record: TypeAlias = StartRecord | IntervalRecord | EventRecord | EndRecord

_TYPES: dict[str, type[StartRecord | IntervalRecord | EventRecord | EndRecord]] = {
    kind.TYPE: kind for kind in (StartRecord, IntervalRecord, EventRecord, EndRecord)
}


def record_to_pair(record: Record) -> list[Any]:
    """``[type, dict]``, as the journal stores it."""
    return [record.TYPE, record.to_dict()]


def record_from_pair(pair: Any) -> Record | None:
    """Turn ``[type, dict]`` back into a record; None for a type of a newer minor version.

    Raises ``ValueError`` for what is no record.
    """
    if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
        raise ValueError("a record must be a list of a type and a map")
    known = _TYPES.get(pair[0])
    return None if known is None else known.from_dict(pair[1])
