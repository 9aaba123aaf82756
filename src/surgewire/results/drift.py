"""Drift: what grew or fell slowly while messages were sent, and whether that is more than noise.

Constant memory for any length of run: at most MOST_BINS moments of equal length. A finding must be
significant (trend.py) and large enough to matter (measure.py).
"""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from surgewire.results.asked import Asked
from surgewire.results.bins import EqualBins
from surgewire.results.coarse import CoarseHistogram
from surgewire.results.measure import DELIVERY, JOINED, OPEN, P99, TARGET_MEMORY, Measure
from surgewire.results.metrics import MESSAGE_LATENCY
from surgewire.results.percentile import PERCENTILES, needed
from surgewire.results.record import IntervalRecord
from surgewire.results.trend import MIN_POINTS, T_LIMIT, significance, slope

MIN_SENDING_S = 120.0
"""A server warms up for a minute; of less than two nobody can tell drift from that."""

SETTLED_SHARE = 0.25
"""Of the whole slope: where the second half has less, the growth has come to an end."""

_S_PER_HOUR = 3600.0
_NS_PER_MS = 1e6


@dataclass(slots=True)
class _Moment:
    """What was counted in one bin."""

    length_s: float = 0.0
    latency: CoarseHistogram = field(default_factory=CoarseHistogram)
    expected: int = 0
    delivered: int = 0
    level_s: float = 0.0
    """Connections times seconds."""
    rss_byte_s: float = 0.0
    target_s: float = 0.0
    """How long the target was seen."""

    def merge(self, other: "_Moment") -> None:
        self.length_s += other.length_s
        self.latency.merge(other.latency)
        self.expected += other.expected
        self.delivered += other.delivered
        self.level_s += other.level_s
        self.rss_byte_s += other.rss_byte_s
        self.target_s += other.target_s


_Placed: TypeAlias = tuple[float, _Moment]
"""When a moment began, in hours of sending, and the moment."""
_Point: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one measure over the time of sending."""

    measure: Measure
    status: str
    """``rising``, ``falling``, ``steady``, ``settled`` (moved at first, then no more), or
    ``unknown`` where the data do not tell."""
    typical: float | None
    """Median over the run, in the measure's unit."""
    per_hour: float | None
    """Growth in the measure's unit; None unless rising or falling."""
    change: float | None
    """Growth over the time of sending; None unless rising, falling or settled."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        figures = {"typical": self.typical, "per_hour": self.per_hour, "change": self.change}
        rounded = {name: None if x is None else round(x, 6) for name, x in figures.items()}
        return {"status": self.status, "unit": self.measure.unit, **rounded}


@dataclass(frozen=True, slots=True)
class Drift:
    """What drifted; no findings where sending was too short to tell."""

    sending_s: float = 0.0
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it: findings by the name of their measure."""
        findings = {finding.measure.key: finding.to_dict() for finding in self.findings}
        return {"sending_s": round(self.sending_s, 3), "findings": findings}


class DriftWatch:
    """Collects what drift is found in, interval by interval."""

    def __init__(self) -> None:
        self._moments: EqualBins[_Moment] = EqualBins(_Moment, _Moment.merge)
        self._sending_s = 0.0
        self._level = OPEN

    def add(self, record: IntervalRecord, asked: Asked) -> None:
        """Take in an interval of sending. Raises ValueError for a histogram of another layout."""
        moment = self._moments.at(self._sending_s + record.length_s / 2)
        self._sending_s += record.length_s
        self._level = JOINED if asked.level_gauge == "joined" else OPEN
        moment.length_s += record.length_s
        latency = record.histograms.get(MESSAGE_LATENCY)
        if latency is not None:
            moment.latency.add(latency)
        moment.expected += record.counters.get("expected", 0)
        moment.delivered += record.counters.get("delivered", 0)
        moment.level_s += record.gauges.get(asked.level_gauge, 0) * record.length_s
        if record.target is not None and record.target.alive:
            moment.rss_byte_s += record.target.rss_bytes * record.length_s
            moment.target_s += record.length_s

    def drift(self) -> Drift:
        """Say what drifted so far."""
        if self._sending_s < MIN_SENDING_S:
            return Drift(self._sending_s, ())
        width_s = self._moments.width_s
        # A bin that has just begun says less than the others, and is left for later.
        whole = [
            (place * width_s / _S_PER_HOUR, moment)
            for place, moment in enumerate(self._moments.bins)
            if moment.length_s >= width_s / 2
        ]
        series = [(P99, _p99(whole)), (DELIVERY, _delivery(whole)), (self._level, _level(whole))]
        memory = _target_memory(whole)
        if memory:
            series.append((TARGET_MEMORY, memory))
        hours = self._sending_s / _S_PER_HOUR
        return Drift(
            self._sending_s, tuple(_judge(measure, points, hours) for measure, points in series)
        )


def _p99(moments: list[_Placed]) -> list[_Point]:
    """Give p99 in ms, of as many moments together as carry it."""
    enough = needed("p99")
    for together in range(1, len(moments) // MIN_POINTS + 1):
        groups = [
            (moments[first][0], _merged(moments[first : first + together]))
            for first in range(0, len(moments) - together + 1, together)
        ]
        carried = [(at, group) for at, group in groups if group.count >= enough]
        # Here and there a moment of silence may be missing, not half of them.
        if len(carried) >= MIN_POINTS and 2 * len(carried) > len(groups):
            percentile = PERCENTILES["p99"]
            return [(at, group.percentile_ns(percentile) / _NS_PER_MS) for at, group in carried]
    return []


def _merged(moments: list[_Placed]) -> CoarseHistogram:
    whole = CoarseHistogram()
    for _, moment in moments:
        whole.merge(moment.latency)
    return whole


def _delivery(moments: list[_Placed]) -> list[_Point]:
    return [(at, part.delivered / part.expected) for at, part in moments if part.expected > 0]


def _level(moments: list[_Placed]) -> list[_Point]:
    return [(at, part.level_s / part.length_s) for at, part in moments]


def _target_memory(moments: list[_Placed]) -> list[_Point]:
    return [(at, part.rss_byte_s / part.target_s) for at, part in moments if part.target_s > 0]


def _judge(measure: Measure, points: list[_Point], hours: float) -> Finding:
    """Judge a series of places in hours and values over ``hours`` of sending."""
    if len(points) < MIN_POINTS:
        return Finding(measure, "unknown", None, None, None)
    places, values = zip(*points, strict=True)
    typical = float(np.median(values))
    per_hour = slope(places, values)
    change = per_hour * hours
    if significance(values) <= T_LIMIT or abs(change) < measure.least(typical):
        return Finding(measure, "steady", typical, None, None)
    half = len(values) // 2
    later = slope(places[half:], values[half:])
    if later * per_hour < SETTLED_SHARE * per_hour**2:
        return Finding(measure, "settled", typical, None, change)
    return Finding(measure, "rising" if per_hour > 0 else "falling", typical, per_hour, change)
