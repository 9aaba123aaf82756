"""The result of a run: a frozen tree whose ``to_dict`` is the JSON of docs/result.schema.json."""

import math
from dataclasses import dataclass, fields
from typing import Any

from surgewire.results.attempts import Attempts
from surgewire.results.awkward import Awkward
from surgewire.results.disconnects import Disconnects
from surgewire.results.doubt import Doubt
from surgewire.results.drift import Drift
from surgewire.results.episodes import Episodes
from surgewire.results.notes import Note
from surgewire.results.presence import Joins, Pings, Reconnects
from surgewire.results.record import EventRecord
from surgewire.results.rooms import Rooms
from surgewire.results.summary import Summary
from surgewire.results.surges import Surge
from surgewire.results.target_usage import TargetProcess
from surgewire.results.threshold import Threshold
from surgewire.results.verdict import Verdict

SCHEMA = "surgewire.result/1"


def _plain(item: Any) -> dict[str, Any]:
    return {part.name: getattr(item, part.name) for part in fields(item)}


def _finite(value: Any) -> Any:
    """Give facts that came from elsewhere without the numbers that JSON cannot hold."""
    match value:
        case dict():
            return {str(name): _finite(item) for name, item in value.items()}
        case list() | tuple():
            return [_finite(item) for item in value]
        case float():
            return value if math.isfinite(value) else None
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which run this was."""

    id: str
    kind: str
    plan: dict[str, Any]
    """The plan as it was made, its URL without secrets."""
    version: str
    """Of Surgewire."""
    machine: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TargetInfo:
    """The server under test."""

    url: str
    """Without secrets: no user, no password, no values in the query."""
    host: str
    port: int | None
    process: TargetProcess | None
    """What its process used; None unless the plan named it."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        process = None if self.process is None else self.process.to_dict()
        return _plain(self) | {"process": process}


@dataclass(frozen=True, slots=True)
class Connections:
    """What was asked of connections and what was reached, each user's first attempt only."""

    requested: int
    attempted: int
    established: int
    failed: int
    peak_open: int
    per_s: float | None
    """Established per second, from the first planned attempt to the last success."""
    errors: dict[str, int]
    """Attempts that failed, by kind; those to come back too."""
    closed: dict[str, int]
    """Established connections that ended before we closed them, by kind."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The account of messages. ``expected = delivered + lost + lost_to_disconnect + undecided``."""

    planned: int
    skipped: int
    sent: int
    expected: int
    delivered: int
    lost: int
    lost_to_disconnect: int
    in_flight_at_leave: int
    undecided: int
    """Neither delivered nor lost yet; 0 unless the run was cut short."""
    duplicated: int
    reordered: int
    late: int
    foreign: int
    damaged: int
    unmarked: int
    misrouted: int
    too_old: int
    before_join: int
    """Arrivals of what was sent before the receiver's join was confirmed; not expected."""
    complete: int
    """Messages that reached all who were joined when they were sent; of chat runs."""
    warmup_sent: int
    warmup_delivered: int
    rate: float | None
    """delivered / expected; None when nothing was expected."""
    completeness: float | None
    """complete / sent; None when nothing was sent, and in runs without rooms."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went through the connections, all handshakes included; with TLS, as encrypted."""

    bytes_in: int
    bytes_out: int
    frames_in: int
    payload_bytes_in: int
    """Of messages, as their readers see them: without frames and compression."""
    payload_bytes_out: int
    sent_per_s: float | None
    """Counted messages per second of sending."""


@dataclass(frozen=True, slots=True)
class Generator:
    """What the load generator itself used, lists by worker number."""

    processes: int
    cpu_percent: tuple[float, ...]
    """Mean of the measured phase, in percent of one core."""
    cpu_seconds: tuple[float, ...]
    """Of the whole run."""
    rss_bytes: int
    """Peak of all workers together."""
    pss_bytes: int | None
    """Peak of all workers together; None where the system does not tell."""
    loop_lag: Summary
    memory_per_connection_bytes: int | None

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return _plain(self) | {
            "cpu_percent": list(self.cpu_percent),
            "cpu_seconds": list(self.cpu_seconds),
            "loop_lag": self.loop_lag.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a run."""

    run: RunInfo
    target: TargetInfo
    started_at: str
    """ISO 8601, UTC; empty when the journal held no start record."""
    duration_s: float
    """Time in which counted messages were sent; of a connect run, time of connecting."""
    connections: Connections
    delivery: Delivery
    traffic: Traffic
    metrics: dict[str, Summary]
    """By name, all of ``METRICS`` but ``loop_lag``, which is in ``generator``."""
    rooms: Rooms | None
    """None in a run without rooms, and until the first record of them."""
    joins: Joins | None
    """None in a run without rooms."""
    awkward: Awkward | None
    """None where all users behaved."""
    reconnects: Reconnects
    disconnects: Disconnects
    episodes: Episodes
    pings: Pings
    attempts: Attempts | None
    """Of a connect run; None in others."""
    surges: tuple[Surge, ...]
    """Storms, waves and returns of a connect run, in their order."""
    facts: dict[str, int]
    """What was counted by name and is no failure: addresses used, TLS sessions resumed …"""
    drift: Drift
    generator: Generator
    events: tuple[EventRecord, ...]
    doubts: tuple[Doubt, ...]
    notes: tuple[Note, ...]
    thresholds: tuple[Threshold, ...]
    verdict: Verdict

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON: no NaN, None for what the sample does not carry."""
        return {
            "schema": SCHEMA,
            "run": _finite(_plain(self.run)),
            "target": self.target.to_dict(),
            "started_at": self.started_at,
            "duration_s": self.duration_s,
            "connections": _plain(self.connections),
            "delivery": _plain(self.delivery),
            "traffic": _plain(self.traffic),
            "metrics": {name: summary.to_dict() for name, summary in self.metrics.items()},
            "rooms": None if self.rooms is None else self.rooms.to_dict(),
            "joins": None if self.joins is None else self.joins.to_dict(),
            "awkward": None if self.awkward is None else self.awkward.to_dict(),
            "reconnects": self.reconnects.to_dict(),
            "disconnects": self.disconnects.to_dict(),
            "episodes": self.episodes.to_dict(),
            "pings": self.pings.to_dict(),
            "attempts": None if self.attempts is None else self.attempts.to_dict(),
            "surges": [surge.to_dict() for surge in self.surges],
            "facts": self.facts,
            "drift": self.drift.to_dict(),
            "generator": self.generator.to_dict(),
            "events": [_finite(event.to_dict()) for event in self.events],
            "doubts": [doubt.to_dict() for doubt in self.doubts],
            "notes": [_plain(note) for note in self.notes],
            "thresholds": [threshold.to_dict() for threshold in self.thresholds],
            "verdict": self.verdict.to_dict(),
        }
