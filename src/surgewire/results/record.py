"""Records: what the supervisor writes into the journal, and all that a result is made from.

Every record is a frozen dataclass. ``to_dict`` gives types that msgpack can carry; ``from_dict``
ignores unknown keys, so that a journal of a newer minor version stays readable, and raises
``ValueError`` with the record, the key and what is wrong with it otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, TypeAlias

from surgewire.results import reading
from surgewire.results.reading import Reader, read
from surgewire.results.rooms_record import RoomsRecord
from surgewire.results.sample import TargetSample, WorkerSample
from surgewire.results.sparse import SparseHistogram
from surgewire.results.surges import SurgeSample, read_samples

__all__ = [
    "FORMAT",
    "PHASES",
    "EndRecord",
    "EventRecord",
    "IntervalRecord",
    "Record",
    "RoomsRecord",
    "StartRecord",
    "TargetSample",
    "WorkerSample",
    "record_from_pair",
    "record_to_pair",
]

FORMAT = 1
"""Format number of the records, in ``StartRecord.format``."""

PHASES: tuple[str, ...] = (
    "starting",
    "connecting",
    "warmup",
    "sending",
    "draining",
    "holding",
    "returning",
    "closing",
)
"""Phases of a run, in ``IntervalRecord.phase`` and in events of kind ``phase``."""


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
        return cls(**read("start record", data, _START))


_START: dict[str, Reader] = {
    "format": reading.whole,
    "run_id": reading.text,
    "started_at": reading.text,
    "plan": reading.mapping,
    "version": reading.text,
    "machine": reading.mapping,
}


def _samples(value: Any) -> tuple[WorkerSample, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("must be a list")
    return tuple(WorkerSample.from_dict(item) for item in value)


def _target(value: Any) -> TargetSample | None:
    return None if value is None else TargetSample.from_dict(value)


def _histograms(value: Any) -> dict[str, SparseHistogram]:
    return {name: SparseHistogram.from_dict(item) for name, item in reading.mapping(value).items()}


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
    """``open`` and ``joined`` now and ``peak_open`` of the run so far, all workers together."""
    histograms: dict[str, SparseHistogram] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    """Attempts that failed, deltas by kind."""
    closed: dict[str, int] = field(default_factory=dict)
    """Established connections that ended before we closed them, deltas by kind."""
    facts: dict[str, int] = field(default_factory=dict)
    """What is counted by name and is no failure, deltas."""
    surges: tuple[SurgeSample, ...] = ()
    """Storms, waves and returns of which more is known than at the interval before."""
    workers: tuple[WorkerSample, ...] = ()
    target: TargetSample | None = None
    """Where the plan names the target's process."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        data = {name: getattr(self, name) for name in _INTERVAL}
        data["facts"] = self.facts
        data["surges"] = [sample.to_dict() for sample in self.surges]
        data["histograms"] = {name: item.to_dict() for name, item in self.histograms.items()}
        data["workers"] = [sample.to_dict() for sample in self.workers]
        data["target"] = None if self.target is None else self.target.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("interval record", data, _INTERVAL, _INTERVAL_SINCE_2))


_INTERVAL: dict[str, Reader] = {
    "at_s": reading.number,
    "length_s": reading.number,
    "phase": reading.text,
    "counters": reading.counts,
    "gauges": reading.counts,
    "histograms": _histograms,
    "errors": reading.counts,
    "closed": reading.counts,
    "workers": _samples,
}

_INTERVAL_SINCE_2: dict[str, Reader] = {
    "target": _target,
    "facts": reading.counts,
    "surges": read_samples,
}
"""What older journals do not have."""


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
        return cls(**read("event record", data, _EVENT))


_EVENT: dict[str, Reader] = {
    "at_s": reading.number,
    "kind": reading.text,
    "detail": reading.mapping,
}


@dataclass(frozen=True, slots=True)
class EndRecord:
    """Last in the journal of a run that could say good-bye."""

    TYPE: ClassVar[str] = "end"

    at_s: float
    reason: str
    """``finished``, ``interrupted``, ``aborted`` or ``failed``."""

    def to_dict(self) -> dict[str, Any]:
        """As a map of msgpack types."""
        return {name: getattr(self, name) for name in _END}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Raise ``ValueError`` when a key is missing or has the wrong type."""
        return cls(**read("end record", data, _END))


_END: dict[str, Reader] = {"at_s": reading.number, "reason": reading.text}

Record: TypeAlias = StartRecord | IntervalRecord | RoomsRecord | EventRecord | EndRecord

_TYPES: dict[str, type[Record]] = {
    kind.TYPE: kind for kind in (StartRecord, IntervalRecord, RoomsRecord, EventRecord, EndRecord)
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
