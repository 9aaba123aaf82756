"""Users that misbehaved on purpose: how many, what became of them, and their account.

None of it counts against the server: it is no part of ``connections.failed``, ``delivery`` or the
verdict.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

PREFIX = "awkward_"
"""Of the counters of their account; see the sampler."""
FACT = "behave_"
"""Of the facts: ``behave_NAME`` for each user, ``behave_NAME:KIND`` for each end."""

_DECIDED = ("delivered", "lost", "lost_to_disconnect")


@dataclass(frozen=True, slots=True)
class AwkwardDelivery:
    """The account of what awkward users were to hear; the words are those of ``Delivery``.

    ``expected = delivered + lost + lost_to_disconnect + undecided``.
    """

    expected: int
    delivered: int
    lost: int
    lost_to_disconnect: int
    in_flight_at_leave: int
    undecided: int
    duplicated: int
    reordered: int
    late: int
    foreign: int
    damaged: int
    unmarked: int
    misrouted: int
    too_old: int
    before_join: int

    @classmethod
    def of(cls, counters: Mapping[str, int]) -> Self:
        """Read the counts of a run."""
        names = [item.name for item in fields(cls) if item.name != "undecided"]
        counts = {name: counters.get(PREFIX + name, 0) for name in names}
        decided = sum(counts[name] for name in _DECIDED)
        return cls(**counts, undecided=counts["expected"] - decided)


@dataclass(frozen=True, slots=True)
class Behaved:
    """The users of one behaviour."""

    users: int
    ends: dict[str, int]
    """Of attempts that failed and connections that ended, by kind: ``kept`` where they lasted until
    we closed them, ``vanished`` or ``dropped``, else a kind of the taxonomy."""


@dataclass(frozen=True, slots=True)
class Awkward:
    """All users that misbehaved."""

    users: int
    failed: int
    """First attempts that came to nothing."""
    behaviours: dict[str, Behaved]
    delivery: AwkwardDelivery

    @classmethod
    def of(cls, counters: Mapping[str, int], facts: Mapping[str, int]) -> Self | None:
        """Read the counts of a run; None where nobody misbehaved."""
        users: dict[str, int] = {}
        ends: dict[str, dict[str, int]] = {}
        for fact, count in sorted(facts.items()):
            if not fact.startswith(FACT):
                continue
            name, colon, kind = fact.removeprefix(FACT).partition(":")
            if colon:
                ends.setdefault(name, {})[kind] = count
            else:
                users[name] = count
        if not users:
            return None
        behaviours = {name: Behaved(n, ends.get(name, {})) for name, n in users.items()}
        return cls(
            users=sum(users.values()),
            failed=counters.get("awkward_failed", 0),
            behaviours=behaviours,
            delivery=AwkwardDelivery.of(counters),
        )

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "users": self.users,
            "failed": self.failed,
            "behaviours": {
                name: {"users": one.users, "ends": one.ends}
                for name, one in self.behaviours.items()
            },
            "delivery": {
                item.name: getattr(self.delivery, item.name) for item in fields(self.delivery)
            },
        }
