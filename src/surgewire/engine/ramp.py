"""The first attempt of each user, at planned instants.

Open model: an attempt begins when the schedule says so, however many are still under way.
"""

import asyncio
from collections.abc import Callable, Sequence

from surgewire._core.clock import now_ns
from surgewire._core.pacer import Schedule
from surgewire._core.wakeup import Wakeup
from surgewire.plan.models import ConnectPlan, Plan


class Ramp:
    """Begins the first attempts of one worker's users.

    users: their numbers over the whole run. begin: called with a user and the instant (ns) for
    which its attempt was planned. on_done: called once, when all have begun or are called off.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        users: Sequence[int],
        *,
        begin: Callable[[int, int], None],
        on_done: Callable[[], None],
    ) -> None:
        """Prepare; nothing begins before `start`."""
        self._instant_ns = connect_instants(plan)
        self._users = users
        self._begin = begin
        self._on_done = on_done
        self._next = 0
        self._start_ns = 0
        self._wakeup = Wakeup(loop, self._begin_due)
        self.done = False
        """Whether no first attempt is still to begin."""

    def start(self, at_ns: int) -> None:
        """Begin the attempts; the schedule counts from `at_ns`."""
        self._start_ns = at_ns
        self._begin_due()

    def stop(self) -> None:
        """Begin no more attempts."""
        self._next = len(self._users)
        self._finish()

    def close(self) -> None:
        """Release the timer."""
        self._wakeup.close()

    def _begin_due(self) -> None:
        now = now_ns()
        while self._next < len(self._users):
            user = self._users[self._next]
            planned_ns = self._start_ns + self._instant_ns(user)
            if planned_ns > now:
                self._wakeup.arm(planned_ns)
                return
            self._next += 1
            self._begin(user, planned_ns)
        self._finish()

    def _finish(self) -> None:
        if not self.done:
            self.done = True
            self._on_done()


def connect_instants(plan: Plan) -> Callable[[int], int]:
    """Return when the first attempt of a user is planned, in ns after the start."""
    if isinstance(plan, ConnectPlan) and (surges := plan.surges) is not None:
        return surges.instant_ns
    schedule = connect_schedule(plan)

    def instant_ns(user: int) -> int:
        rounded_ns: int = schedule.instant(0, user)[0]
        return rounded_ns

    return instant_ns


def connect_schedule(plan: Plan) -> Schedule:
    """Return when attempt number n begins, as `instant(0, n)` in ns after the start."""
    if plan.connect_rate is None:
        # A ramp of nothing is a rate that fits all attempts into one nanosecond.
        return Schedule.constant(1, plan.connections, max(1, plan.ramp_ns or 0))
    if plan.connect_rate_end is None:
        return Schedule.constant(1, plan.connect_rate.count, plan.connect_rate.per_ns)
    return Schedule.ramp(
        1,
        plan.connect_rate.per_s,
        plan.connect_rate_end.per_s,
        plan.connect_span_ns / 1e9,
    )
