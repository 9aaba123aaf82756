"""When what happened: phases with their lengths, events, and how the run ended."""

from collections.abc import Mapping
from typing import Any

from surgewire.results.record import EndRecord, EventRecord, IntervalRecord

MAX_EVENTS = 200
"""Events kept one by one. A run of days may have many; beyond this they are only counted."""


class Extreme:
    """Of a kind of event that may come often: how often it came, and the largest figure."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0

    def add(self, figure: object) -> None:
        """Count one; the figure with the largest magnitude is kept, sign included."""
        self.count += 1
        # Not a number compares false: it is counted and its figure ignored.
        if isinstance(figure, int | float) and abs(figure) > abs(self.largest):
            self.largest = float(figure)


class Timeline:
    """Phases, events and the end of a run. Constant memory."""

    def __init__(self) -> None:
        self.phase = "starting"
        self.at_s = 0.0
        """Time of the latest record, seconds since the start instant."""
        self.started_s: dict[str, float] = {}
        """When each phase began for the first time."""
        self.events: list[EventRecord] = []
        self.events_dropped = 0
        """How many came after those that were kept."""
        self.clock_steps = Extreme()
        self.steal = Extreme()
        self.deaths: list[EventRecord] = []
        self.last_established_s: float | None = None
        """When the last attempt that succeeded did so; None until every attempt has an outcome."""
        self.all_have_outcomes = False
        """Whether every first attempt has succeeded or failed."""
        self.journal_failure: str | None = None
        """Why records are missing in the journal, or could not be written yet."""
        self.journal_failed_s = 0.0
        """From when on."""
        self.stop_signal: str | None = None
        self.abort_rule = ""
        """What of ``--abort-on`` was crossed, with its figures."""
        self.end: EndRecord | None = None
        self._journal_gap: str | None = None
        self._lengths_s: dict[str, float] = {}
        self._phase_began_s = 0.0

    def add_interval(self, record: IntervalRecord) -> None:
        """Note the time; also the phase, should its event have been lost."""
        if record.phase != self.phase:
            self._enter(record.phase, max(self.at_s, record.at_s - record.length_s))
        self._advance(record.at_s)

    def add_event(self, record: EventRecord) -> None:
        """Note an event, and what it means for the figures."""
        self._advance(record.at_s)
        match record.kind:
            case "phase":
                self._enter(str(record.detail.get("phase", self.phase)), record.at_s)
            case "connected":
                self.all_have_outcomes = True
                self.last_established_s = _number(record.detail.get("last_established_s"))
            case "clock_step":
                self.clock_steps.add(record.detail.get("step_ms"))
            case "steal":
                self.steal.add(record.detail.get("percent"))
            case "worker_died":
                self.deaths.append(record)
            case "journal_failed":
                self._add_journal_failure(record)
            case "journal_restored":
                self.journal_failure = self._journal_gap
            case "stopping":
                self.stop_signal = str(record.detail.get("signal", ""))
            case "aborted":
                self.abort_rule = crossed_rule(record.detail)
        if len(self.events) < MAX_EVENTS:
            self.events.append(record)
        else:
            self.events_dropped += 1

    def add_end(self, record: EndRecord) -> None:
        """Note how the run ended."""
        self._advance(record.at_s)
        self.end = record

    def length_s(self, phase: str) -> float:
        """Time spent in a phase so far, in seconds."""
        running = self.at_s - self._phase_began_s if phase == self.phase else 0.0
        return self._lengths_s.get(phase, 0.0) + max(running, 0.0)

    def _add_journal_failure(self, record: EventRecord) -> None:
        reason = str(record.detail.get("reason", "unknown"))
        if self.journal_failure is None:
            self.journal_failure, self.journal_failed_s = reason, record.at_s
        if record.detail.get("missing"):
            self.journal_failure = self._journal_gap = reason

    def _advance(self, at_s: float) -> None:
        # Records are written in order; a clock that went back must not shorten what was measured.
        self.at_s = max(self.at_s, at_s)

    def _enter(self, phase: str, at_s: float) -> None:
        if phase == self.phase:
            return
        spent = max(at_s - self._phase_began_s, 0.0)
        self._lengths_s[self.phase] = self._lengths_s.get(self.phase, 0.0) + spent
        self.phase = phase
        self._phase_began_s = at_s
        self.started_s.setdefault(phase, at_s)


def crossed_rule(detail: Mapping[str, Any]) -> str:
    """Write what an ``aborted`` event tells: the rule, and the figures that crossed it."""
    value, outcomes = detail.get("value"), detail.get("of")
    rule = str(detail.get("rule", "?"))
    if not isinstance(value, int) or not isinstance(outcomes, int):
        return rule
    return f"{rule} ({value:,}, with {outcomes:,} {detail.get('what', 'outcomes')})"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
