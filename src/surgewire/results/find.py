"""What came of a search for the highest rate: its steps as evidence, and the conclusion."""

from dataclasses import dataclass, fields
from typing import Any

from surgewire.results.doubt import DoubtCode
from surgewire.results.metrics import CONNECT_TIME
from surgewire.results.rate_search import Conclusion, Outcome
from surgewire.results.result import Result
from surgewire.results.verdict import Status

SCHEMA = "surgewire.find/1"

MIN_REACHED = 0.95
"""A backlog that grows by more than a twentieth of the load is no rate that holds."""
MIN_OVERTIME_S = 0.1
"""In a short step a twentieth is no more than what any connection may take."""

_SPOIL_HOLDING = frozenset({DoubtCode.CONNECT_LAG, DoubtCode.WORKER_DIED, DoubtCode.LOCAL_LIMITS})
"""With these the load was not the one that was asked for."""
_SPOIL_BREAKING = _SPOIL_HOLDING | {
    DoubtCode.WORKER_SATURATED,
    DoubtCode.LOOP_LAG,
    DoubtCode.STEAL,
}
"""With these the times may be the generator's own."""
_SPOIL_FAILING = frozenset({DoubtCode.WORKER_DIED, DoubtCode.LOCAL_LIMITS})
"""With these the failures may be the generator's own."""


@dataclass(frozen=True, slots=True)
class FindStep:
    """One rate that was tried. Times in milliseconds."""

    per_s: int
    """Connections per second that were asked for."""
    outcome: Outcome
    why: str
    """What kept the rate from holding, or what it held with."""
    run: str | None = None
    """Id of the run, which is the name of its folder; None where there was none."""
    connections: int = 0
    failed: int = 0
    reached_per_s: float | None = None
    most_under_way: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    doubts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return plain | {"outcome": self.outcome.value, "doubts": list(self.doubts)}


@dataclass(frozen=True, slots=True)
class FindResult:
    """What came out of a search."""

    id: str
    url: str
    """Without secrets."""
    started_at: str
    """ISO 8601, UTC."""
    version: str
    """Of Surgewire."""
    p99_ms: float
    """The goal."""
    steps: tuple[FindStep, ...]
    conclusion: Conclusion
    interrupted: bool
    """Whether it was stopped before its end."""

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON, as docs/find.schema.json describes them."""
        end = self.conclusion
        return {
            "schema": SCHEMA,
            "id": self.id,
            "url": self.url,
            "started_at": self.started_at,
            "version": self.version,
            "goal": {"p99_ms": self.p99_ms, "min_reached": MIN_REACHED},
            "ending": end.ending.value,
            "held_per_s": end.held,
            "failed_per_s": end.failed,
            "failed_by": None if end.failed_by is None else end.failed_by.value,
            "why": self.why,
            "interrupted": self.interrupted,
            "steps": [step.to_dict() for step in self.steps],
        }

    @property
    def why(self) -> str | None:
        """What kept the next higher rate from holding; None where none is known."""
        failed = self.conclusion.failed
        found = [step.why for step in self.steps if step.per_s == failed and not _held(step)]
        return found[-1] if found else None


def _held(step: FindStep) -> bool:
    return step.outcome is Outcome.HELD


def weigh(result: Result, *, per_s: int, p99_ns: int) -> FindStep:
    """Judge the run that tried `per_s` connections a second against the goal.

    Where fewer than 1,000 connections carry no p99, the slowest of them must keep to it.
    """
    times = result.metrics[CONNECT_TIME]
    attempts = result.attempts
    outcome, why = _outcome(result, per_s, p99_ns / 1e6)
    return FindStep(
        per_s=per_s,
        outcome=outcome,
        why=why,
        run=result.run.id,
        connections=result.connections.attempted,
        failed=result.connections.failed,
        reached_per_s=result.connections.per_s,
        most_under_way=0 if attempts is None else attempts.most_under_way,
        p50_ms=times.p50,
        p99_ms=times.p99,
        max_ms=times.max,
        doubts=tuple(doubt.code.value for doubt in result.doubts if not doubt.code.minor),
    )


def _outcome(result: Result, per_s: int, goal_ms: float) -> tuple[Outcome, str]:
    codes = {doubt.code for doubt in result.doubts}
    if failures := _failures(result):
        return _unless(codes & _SPOIL_FAILING, failures)
    name, slow_ms = _slowness(result)
    if slow_ms is not None and slow_ms > goal_ms:
        told = f"{name} {slow_ms:,.3f} ms, above the goal of {goal_ms:,.3f} ms"
        return _unless(_may_explain(result, slow_ms - goal_ms), told)
    overtime_ms = 1e3 * (_overtime_s(result, per_s) - _overtime_allowed_s(result, per_s))
    if overtime_ms > 0:
        reached = result.connections.per_s or 0.0
        return _unless(_may_explain(result, overtime_ms), f"only {reached:,.1f}/s were reached")
    return _unless(codes & _SPOIL_HOLDING, f"{name} {slow_ms or 0.0:,.3f} ms", Outcome.HELD)


def _may_explain(result: Result, missed_by_ms: float) -> set[DoubtCode]:
    """Return the doubts by which the goal may have been missed through the generator itself."""
    codes = {doubt.code for doubt in result.doubts}
    # What the generator may have added to any time is at most its longest standstill.
    own_ms = result.generator.loop_lag.max or 0.0
    excused = DoubtCode.WORKER_SATURATED not in codes and missed_by_ms > own_ms
    return codes & (_SPOIL_HOLDING if excused else _SPOIL_BREAKING)


def _unless(
    spoiled: set[DoubtCode], why: str, outcome: Outcome = Outcome.BROKE
) -> tuple[Outcome, str]:
    if not spoiled:
        return outcome, why
    return Outcome.DOUBTFUL, f"{why}; in doubt: {', '.join(sorted(spoiled))}"


def _failures(result: Result) -> str:
    part = result.connections
    if part.failed:
        worst = next(iter(part.errors), "")
        return f"{part.failed:,} of {part.attempted:,} connections failed ({worst})"
    ended = sum(part.closed.values())
    if ended or result.verdict.status is Status.FAILED:
        return f"{ended:,} connections ended before their time"
    return ""


def _overtime_s(result: Result, per_s: int) -> float:
    """Return how long after the time that the rate takes the last connection was established."""
    part = result.connections
    return part.established / part.per_s - part.attempted / per_s if part.per_s else 0.0


def _overtime_allowed_s(result: Result, per_s: int) -> float:
    planned_s = result.connections.attempted / per_s
    return max(planned_s / MIN_REACHED - planned_s, MIN_OVERTIME_S)


def _slowness(result: Result) -> tuple[str, float | None]:
    times = result.metrics[CONNECT_TIME]
    return ("p99", times.p99) if times.p99 is not None else ("slowest", times.max)
