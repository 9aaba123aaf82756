"""Users that go and users that come back, while a run goes on."""

import asyncio
from collections.abc import Callable

from surgewire._core.clock import now_ns
from surgewire._core.wakeup import Wakeup
from surgewire.engine.churn import Churn
from surgewire.engine.returns import NEVER_NS, Returns


class Turnover:
    """Lets users leave and come back at their instants.

    churn: None where nobody leaves. come_back: called with a user and the instant (ns) planned for
    its attempt. leave: called with a user that is to leave. is_there: tells whether a user can.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        returns: Returns,
        churn: Churn | None,
        *,
        come_back: Callable[[int, int], None],
        leave: Callable[[int], None],
        is_there: Callable[[int], bool],
    ) -> None:
        """Prepare; nobody leaves before `begin`, and nobody comes back before `open`."""
        self._returns = returns
        self._churn = churn
        self._come_back = come_back
        self._leave = leave
        self._is_there = is_there
        self._opened = False
        self._leaving = False
        self._wakeup = Wakeup(loop, self._turn)

    @property
    def awaits(self) -> bool:
        """Whether somebody will come back, or would after being cut off now."""
        return self._returns.expected or len(self._returns) > 0

    def open(self) -> None:
        """Let users come back: the first attempts have all begun, and the rate is free."""
        self._opened = True
        self._arm()

    def begin(self, at_ns: int) -> None:
        """Let users leave from the instant `at_ns` on."""
        if self._churn is not None:
            self._churn.start(at_ns)
            self._leaving = True
            self._arm()

    def stop(self) -> None:
        """Let nobody leave or come back any more."""
        self._leaving = False
        self._returns.stop()
        self._wakeup.disarm()

    def close(self) -> None:
        """Release the timer."""
        self._wakeup.close()

    def joined(self, user: int) -> None:
        """Note that `user` is there."""
        self._returns.joined(user, now_ns())

    def failed(self, user: int) -> None:
        """Let `user`, which was cut off or could not connect, try again in a while."""
        self._returns.failed(user, now_ns())
        self._arm()

    def left(self, user: int) -> None:
        """Let `user`, which has left, come back."""
        self._returns.left(user, now_ns())
        self._arm()

    def _turn(self) -> None:
        now = now_ns()
        if self._leaving and self._churn is not None:
            for user in self._churn.take(now, self._is_there):
                self._leave(user)
        if self._opened:
            for user, planned_ns in self._returns.take(now):
                self._come_back(user, planned_ns)
        self._arm()

    def _arm(self) -> None:
        next_ns = self._returns.next_ns if self._opened else NEVER_NS
        if self._leaving and self._churn is not None:
            next_ns = min(next_ns, self._churn.next_ns)
        if next_ns < NEVER_NS:
            self._wakeup.arm(next_ns)
