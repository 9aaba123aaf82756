"""A reconnect storm: users of one worker that leave together, and come back."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b

from surgewire.engine.backoff import Backoff
from surgewire.engine.returns import Returns
from surgewire.engine.turnover import Turnover
from surgewire.plan.models import ConnectPlan

# Closing many connections in one turn of the loop would hold up everything else.
_CLOSE_BATCH = 250


class Storm:
    """Who leaves, who is on the way out, and who waits to come back.

    come_back: called with a user and the instant (ns) planned for its attempt. leave: called with a
    user whose connection is to be closed; tells whether it had one.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: ConnectPlan,
        users: Sequence[int],
        *,
        come_back: Callable[[int, int], None],
        leave: Callable[[int], bool],
    ) -> None:
        """Prepare; nobody leaves before `strike`."""
        self._leavers = leavers_of(plan, users)
        self._leave = leave
        self._going: set[int] = set()
        self._away: set[int] = set()
        self._returns = Returns(make_backoff(plan), spacing_ns=0)
        self._waits = self._returns.expected
        self._turnover = Turnover(
            loop,
            self._returns,
            None,
            come_back=come_back,
            leave=lambda _user: None,
            is_there=lambda _user: False,
        )

    @property
    def pending(self) -> bool:
        """Whether somebody is on the way out, or waits to come back."""
        return bool(self._going) or len(self._returns) > 0

    async def strike(self) -> int:
        """Let all leave that are to and are there; return how many those are.

        In turns, between which the loop does its work.
        """
        self._turnover.open()
        left = 0
        for number, user in enumerate(self._leavers):
            if self._leave(user):
                self._going.add(user)
                self._away.add(user)
                left += 1
            if number % _CLOSE_BATCH == _CLOSE_BATCH - 1:
                await asyncio.sleep(0)
        return left

    def gone(self, user: int) -> None:
        """Let `user` come back: nothing is left of its connection."""
        if user not in self._going:
            return
        self._going.remove(user)
        if self._waits:
            self._turnover.failed(user)
        else:
            self._turnover.left(user)

    def failed(self, user: int) -> None:
        """Let `user`, whose attempt to come back came to nothing, try again where it is to."""
        if user in self._away:
            self._turnover.failed(user)

    def came(self, user: int) -> bool:
        """Note that `user` is in; tell whether it was away."""
        if user not in self._away:
            return False
        self._away.remove(user)
        self._turnover.joined(user)
        return True

    def stop(self) -> None:
        """Let nobody come back any more."""
        self._turnover.stop()
        self._going.clear()

    def close(self) -> None:
        """Release the timer."""
        self._turnover.close()


def leavers_of(plan: ConnectPlan, users: Sequence[int]) -> list[int]:
    """Return which of `users` leave: of all users of the run those with the lowest lots.

    The lots are drawn from the plan's seed, so that all workers agree on who it is.
    """
    if plan.leavers == plan.connections:
        return list(users)

    def lot(user: int) -> bytes:
        return blake2b(f"{plan.seed} {user}".encode(), digest_size=8).digest()

    chosen = set(sorted(range(plan.connections), key=lot)[: plan.leavers])
    return [user for user in users if user in chosen]


def make_backoff(plan: ConnectPlan) -> Backoff | None:
    """Return how long those that come back wait; None where they come at once, and once."""
    if plan.reconnect_min_ns is None or plan.reconnect_max_ns is None:
        return None
    return Backoff(plan.reconnect_min_ns, plan.reconnect_max_ns, seed=plan.seed)
