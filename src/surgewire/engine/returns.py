"""Who comes back when, and never faster than it was asked to connect.

Users that were cut off, or whose attempt came to nothing, wait as `backoff` says; those that left
on purpose come back at once. All pass one gate: it opens once for each `spacing_ns`, so that a
restart of the target is not followed by a storm that nobody asked for.

Pure: instants (ns) in, users out. Memory is bounded by the number of users.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from surgewire.engine.backoff import Backoff
from surgewire.plan.models import Plan

NEVER_NS = 2**63 - 1

# Wake-ups are not exact: what the gate would have let through within this time may pass together.
_SLACK_NS = 1_000_000


@dataclass(slots=True)
class _Past:
    """What a user has been through."""

    waits: int = 0
    failures: int = 0
    joined_ns: int = 0


class Returns:
    """The users of one worker that are away.

    backoff: None where nobody is to come back from a failure. spacing_ns: the least time from one
    attempt to the next.
    """

    def __init__(self, backoff: Backoff | None, *, spacing_ns: int) -> None:
        """Begin with nobody away."""
        self._backoff = backoff
        self._spacing_ns = spacing_ns
        self._slack_ns = max(0, _SLACK_NS - spacing_ns)
        self._open_ns = 0
        self._away: list[tuple[int, int]] = []
        self._pasts: dict[int, _Past] = {}
        self._stopped = False

    def __len__(self) -> int:
        """Return how many are away and will come back."""
        return len(self._away)

    @property
    def expected(self) -> bool:
        """Whether those that fail or are cut off now will come back."""
        return self._backoff is not None and not self._stopped

    def joined(self, user: int, now_ns: int) -> None:
        """Note that `user` has joined: if it stays for a while, its waits begin anew."""
        self._past(user).joined_ns = now_ns

    def failed(self, user: int, now_ns: int) -> None:
        """Let `user` come back: it was cut off, or its attempt came to nothing."""
        if self._backoff is None or self._stopped:
            return
        past = self._past(user)
        if past.joined_ns and now_ns - past.joined_ns >= self._backoff.most_ns:
            past.failures = 0
        past.joined_ns = 0
        wait_ns = self._backoff.wait_ns(user, past.waits, past.failures)
        past.waits += 1
        past.failures += 1
        heapq.heappush(self._away, (now_ns + wait_ns, user))

    def left(self, user: int, now_ns: int) -> None:
        """Let `user`, which left on purpose, come back as soon as the gate opens."""
        if not self._stopped:
            self._past(user).joined_ns = 0
            heapq.heappush(self._away, (now_ns, user))

    def stop(self) -> None:
        """Let nobody come back any more."""
        self._stopped = True
        self._away.clear()

    @property
    def next_ns(self) -> int:
        """The instant at which the next user comes back; NEVER_NS where nobody is away."""
        return max(self._away[0][0], self._open_ns) if self._away else NEVER_NS

    def take(self, now_ns: int) -> Iterator[tuple[int, int]]:
        """Yield each user that comes back by now, with the instant planned for it."""
        while (planned_ns := self.next_ns) <= now_ns:
            self._open_ns = max(self._open_ns, now_ns - self._slack_ns) + self._spacing_ns
            yield heapq.heappop(self._away)[1], planned_ns

    def _past(self, user: int) -> _Past:
        return self._pasts.setdefault(user, _Past())


def spacing_ns(plan: Plan, users: int) -> int:
    """Return the time from one attempt to the next in a worker with `users` users.

    So that all workers together do not connect faster than the plan does at its fastest.
    """
    if plan.connect_rate is None:
        return -(-(plan.ramp_ns or 0) // users)
    rates = [rate for rate in (plan.connect_rate, plan.connect_rate_end) if rate is not None]
    return min(-(-rate.per_ns * plan.connections // (rate.count * users)) for rate in rates)
