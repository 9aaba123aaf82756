"""Who is there: joins, ends and returns of users, and the pings that tell who still answers."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

TIMEOUT_PING = "timeout_ping"
TIMEOUT_JOIN = "timeout_join"


@dataclass(frozen=True, slots=True)
class _Counts:
    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Joins(_Counts):
    """Users that entered their room."""

    joined: int
    """For the first time."""
    failed: int
    """Not confirmed in time; a user that came back to ask again may count more than once."""
    joined_now: int
    """Listening at the end of the measured phase, or of the record."""

    @classmethod
    def of(cls, counters: Mapping[str, int], joined_now: int) -> Self:
        """Read the counts of a run."""
        return cls(counters.get("joined", 0), counters.get("join_failed", 0), joined_now)


@dataclass(frozen=True, slots=True)
class Reconnects(_Counts):
    """Connections that ended, and users that came back."""

    cut_off: int
    """Ended before we closed them."""
    left: int
    """Closed by us, because the plan let users come and go."""
    attempts: int
    """To connect again."""
    failed: int
    """Of them."""
    rejoined: int
    """Joined again, after being cut off or after leaving."""
    missing: int = 0
    """Of those that left together in a reconnect storm, who did not come back."""

    @classmethod
    def of(cls, counters: Mapping[str, int], missing: int = 0) -> Self:
        """Read the counts of a run."""
        return cls(
            cut_off=counters.get("cut_off", 0),
            left=counters.get("left", 0),
            attempts=counters.get("retried", 0),
            failed=counters.get("retries_failed", 0) - counters.get("awkward_retries_failed", 0),
            rejoined=counters.get("rejoined", 0),
            missing=missing,
        )


@dataclass(frozen=True, slots=True)
class Users:
    """Users in rooms: how they came, and how they came back."""

    joins: Joins
    reconnects: Reconnects


@dataclass(frozen=True, slots=True)
class Pings(_Counts):
    """WebSocket pings that we sent."""

    sent: int
    answered: int
    timeouts: int
    """Connections that we ended because a pong did not come in time."""

    @classmethod
    def of(cls, counters: Mapping[str, int], closed: Mapping[str, int]) -> Self:
        """Read the counts of a run."""
        return cls(counters.get("pings", 0), counters.get("pongs", 0), closed.get(TIMEOUT_PING, 0))
