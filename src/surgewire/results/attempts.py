"""Attempts over the time of a connect run: planned, begun, established, and the backlog."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from surgewire.plan.units import UnitError
from surgewire.plan.waves import Waves, parse_waves
from surgewire.results.bins import EqualBins
from surgewire.results.coarse import CoarseHistogram
from surgewire.results.metrics import CONNECT_TIME
from surgewire.results.record import IntervalRecord

if TYPE_CHECKING:
    from surgewire.results.asked import Asked

_NS_PER_S = 1_000_000_000
_DECIMALS = 3
_FAILED_IN = "failed_"
_PHASES = ("dns", "tcp", "proxy", "tls", "upgrade")
# Fewer values than this carry no p99; see `percentile`.
_ENOUGH = 1_000


@dataclass(slots=True)
class _Bin:
    begun: int = 0
    established: int = 0
    failed: int = 0
    under_way: int = 0
    end_s: float = 0.0
    times: CoarseHistogram = field(default_factory=CoarseHistogram)

    def merge(self, later: "_Bin") -> None:
        self.begun += later.begun
        self.established += later.established
        self.failed += later.failed
        self.times.merge(later.times)
        if later.end_s:
            self.under_way, self.end_s = later.under_way, later.end_s


@dataclass(frozen=True, slots=True)
class Step:
    """What happened within one bin of time."""

    from_s: float
    to_s: float
    planned: int
    """First attempts that the schedule has in this time; those to come back have no schedule."""
    begun: int
    established: int
    failed: int
    under_way: int
    """The backlog at its end: attempts that had begun and had no outcome."""
    p50_ms: float | None
    """Of the connect times of those established; to about 2 %."""
    p99_ms: float | None
    """Likewise; None where there are fewer than 1,000."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Attempts:
    """All attempts of a connect run."""

    planned_per_s: float | None
    """Mean of the schedule; None where users come in surges."""
    reached_per_s: float | None
    """Established per second, from the first planned attempt to the last success."""
    most_under_way: int
    """The most that had begun and had no outcome at the same moment."""
    failed_in: dict[str, int]
    """Attempts that failed, by the phase that they were in."""
    bin_s: float
    course: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "planned_per_s": self.planned_per_s,
            "reached_per_s": self.reached_per_s,
            "most_under_way": self.most_under_way,
            "failed_in": self.failed_in,
            "bin_s": self.bin_s,
            "course": [step.to_dict() for step in self.course],
        }


class AttemptWatch:
    """Collects attempts, interval by interval. Memory does not grow with the length of the run."""

    def __init__(self) -> None:
        self.most_under_way = 0
        self._bins: EqualBins[_Bin] = EqualBins(_Bin, _Bin.merge)
        self._under_way = 0

    def add(self, record: IntervalRecord) -> None:
        """Take in what an interval brought."""
        self.most_under_way = max(self.most_under_way, record.gauges.get("peak_under_way", 0))
        begun, established, failed = (
            record.counters.get(name, 0) for name in ("attempted", "established", "failed")
        )
        self._under_way += begun - established - failed
        if not (begun or established or failed or self._under_way) or not record.length_s:
            return
        part = self._bins.at(max(record.at_s - record.length_s / 2, 0.0))
        part.begun += begun
        part.established += established
        part.failed += failed
        part.under_way = max(self._under_way, 0)
        part.end_s = record.at_s
        if (delta := record.histograms.get(CONNECT_TIME)) is not None:
            part.times.add(delta)

    def attempts(
        self, asked: "Asked", facts: Mapping[str, int], reached_per_s: float | None
    ) -> Attempts:
        """Give all that was seen so far, beside what the plan asked for."""
        planned_by = schedule_of(asked)
        width_s = self._bins.width_s
        steps = [
            _step(part, at * width_s, (at + 1) * width_s, planned_by)
            for at, part in enumerate(self._bins.bins)
            if part.end_s
        ]
        return Attempts(
            planned_per_s=planned_per_s(asked),
            reached_per_s=reached_per_s,
            most_under_way=self.most_under_way,
            failed_in={
                phase: facts[f"{_FAILED_IN}{phase}"]
                for phase in _PHASES
                if facts.get(f"{_FAILED_IN}{phase}")
            },
            bin_s=width_s,
            course=tuple(steps),
        )


def _step(part: _Bin, from_s: float, to_s: float, planned_by: Callable[[float], int]) -> Step:
    count = part.times.count
    return Step(
        from_s=from_s,
        to_s=to_s,
        planned=planned_by(to_s) - (planned_by(from_s) if from_s else 0),
        begun=part.begun,
        established=part.established,
        failed=part.failed,
        under_way=part.under_way,
        p50_ms=round(part.times.percentile_ns(50) / 1e6, _DECIMALS) if count else None,
        p99_ms=round(part.times.percentile_ns(99) / 1e6, _DECIMALS) if count >= _ENOUGH else None,
    )


def planned_per_s(asked: "Asked") -> float | None:
    """Return the mean rate that the plan asked for; None where it names none."""
    first = _per_s(asked.plan.get("connect_rate"))
    if first is not None:
        last = _per_s(asked.plan.get("connect_rate_end"))
        return round((first + (first if last is None else last)) / 2, _DECIMALS)
    return None


def schedule_of(asked: "Asked") -> Callable[[float], int]:
    """Return how many first attempts are planned before an instant, in seconds from the start."""
    waves, most = _waves(asked), asked.connections
    first, last = (_per_s(asked.plan.get(name)) for name in ("connect_rate", "connect_rate_end"))
    if waves is not None:
        return lambda at_s: waves.planned_by(int(at_s * _NS_PER_S) - 1)
    if first is None:
        return lambda at_s: most if at_s > 0 else 0
    climb_per_s2 = 0.0 if last is None else (last * last - first * first) / (2 * most)

    def planned_by(at_s: float) -> int:
        # The integral of a rate that is linear until all are planned; attempt 0 is at 0.
        number = first * at_s + climb_per_s2 * at_s * at_s / 2
        falling_out = climb_per_s2 < 0 and first + climb_per_s2 * at_s <= 0
        return most if falling_out else max(0, min(most, -int(-number // 1)))

    return planned_by


def _waves(asked: "Asked") -> Waves | None:
    storm, waves = asked.plan.get("storm"), asked.plan.get("waves")
    try:
        if isinstance(storm, int):
            return Waves(1, storm, 1)
        return parse_waves(waves) if isinstance(waves, str) else None
    except UnitError:
        return None


def _per_s(rate: Any) -> float | None:
    if not isinstance(rate, Mapping):
        return None
    count, per_ns = rate.get("count"), rate.get("per_ns")
    if not isinstance(count, int) or not isinstance(per_ns, int) or per_ns <= 0:
        return None
    return count * _NS_PER_S / per_ns
