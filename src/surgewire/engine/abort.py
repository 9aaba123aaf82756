"""Whether a run has to stop for the target's sake: what is counted, held against its rules."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from surgewire._core import ledger, traffic
from surgewire.engine.shared import SharedRegion
from surgewire.plan.abort import (
    ATTEMPTS,
    CONNECTIONS,
    DELIVERIES,
    FIGURES,
    JOINS,
    LEAST_FOR_A_SHARE,
    AbortRule,
)

_DECIDED = ("delivered", "lost", "lost_to_disconnect")


@dataclass(frozen=True, slots=True)
class Crossing:
    """A rule that was crossed: the figure, and the outcomes of which it is a part."""

    rule: AbortRule
    value: int
    outcomes: int
    what: str

    def to_dict(self) -> dict[str, Any]:
        """As the detail of an event."""
        return {
            "rule": str(self.rule),
            "value": self.value,
            "of": self.outcomes,
            "what": self.what,
        }


class AbortWatch:
    """Holds the counts of all workers against the rules of a plan."""

    def __init__(self, rules: Sequence[AbortRule], region: SharedRegion, connections: int) -> None:
        """Watch `region`; `connections` is how many the plan asks for."""
        self._rules = rules
        self._region = region
        self._wants_deliveries = any(_base(rule) == DELIVERIES for rule in rules)
        # A run with few connections is judged when all of them have an outcome.
        self._least = min(LEAST_FOR_A_SHARE, connections)

    def crossing(self) -> Crossing | None:
        """Return the first rule that is crossed now; None while all hold."""
        if not self._rules:
            return None
        values, outcomes = self._count()
        for rule in self._rules:
            what = _base(rule)
            least = LEAST_FOR_A_SHARE if what == DELIVERIES else self._least
            if rule.crossed(values[rule.figure], outcomes[what], least):
                return Crossing(rule, values[rule.figure], outcomes[what], what)
        return None

    def _count(self) -> tuple[Counter[str], dict[str, int]]:
        """Sum up all workers: figures and kinds by name, and how many outcomes of each sort."""
        slices = self._region.slices
        passed = _by_name(traffic.COUNTERS, [part.traffic for part in slices])
        values: Counter[str] = Counter()
        closed = 0
        for part in slices:
            ended = part.closed.counts()
            closed += sum(ended.values())
            values.update(ended)
            values.update(part.errors.counts())
        booked: dict[str, int] = {}
        if self._wants_deliveries:
            # With many rooms these are megabytes.
            # The rows behind those of the rooms are of awkward users.
            rows = [part.ledger[: self._region.rooms].sum(axis=0) for part in slices]
            booked = _by_name(ledger.COUNTERS, rows)
            values.update(booked)
        awkward = passed["awkward_failed"] + passed["awkward_retries_failed"]
        values["failed"], values["closed"] = passed["failed"] - awkward, closed
        values["join_failed"] = passed["join_failed"]
        return values, {
            ATTEMPTS: passed["established"] + values["failed"],
            CONNECTIONS: passed["established"],
            JOINS: passed["joined"] + passed["join_failed"],
            DELIVERIES: sum(booked.get(name, 0) for name in _DECIDED),
        }


def _base(rule: AbortRule) -> str:
    return FIGURES.get(rule.figure, ATTEMPTS)


def _by_name(names: Sequence[str], rows: Sequence[Any]) -> dict[str, int]:
    return dict(zip(names, np.add.reduce(rows).tolist(), strict=True))
