"""Runs that send: what is planned leaves, and what is under way at the end is awaited."""

import asyncio
from collections.abc import Callable

from surgewire._core.clock import now_ns
from surgewire._core.pacer import Schedule
from surgewire.engine.jobs.job import Job
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.shared import PROGRESS_STOPPED_NS
from surgewire.plan.models import SendingPlan

_DRAIN_CHECK_S = 0.02
# How long all must have been delivered before the drain ends: duplicates get time to show.
_QUIET_S = 0.2


class SendingJob(Job):
    """A job whose plan has a rate, a duration and a drain."""

    reads = True

    def __init__(self, place: Workplace, on_settled: Callable[[], None]) -> None:
        """Set up everything that the run needs, before its clock starts."""
        super().__init__(place, on_settled)
        # The kernel stamps packets, and Unix sockets have none.
        self.witnesses = 0 if self.plan.target.unix_path else self.plan.witness

    @property
    def plan(self) -> SendingPlan:
        """The plan of the run."""
        plan = self.place.plan
        assert isinstance(plan, SendingPlan)
        return plan

    def begin(self, at_ns: int) -> int:
        """Send from `at_ns` on, and count from the end of the warm-up on."""
        measure_ns = super().begin(at_ns) + self.plan.warmup_ns
        end_ns = measure_ns + self.plan.duration_ns
        self.traffic.start(at_ns, measure_ns, end_ns)
        return end_ns

    async def drain(self) -> None:
        """Send what is late, then wait for what is under way."""
        # Where users send while others still connect, the ramp may be longer than the run.
        self.ramp.stop()
        deadline_ns = now_ns() + self.plan.drain_ns
        # Messages that were planned and are late still leave, unless told to stop.
        while self.traffic.behind and not self.enough.is_set() and now_ns() < deadline_ns:
            await asyncio.sleep(_DRAIN_CHECK_S)
        self.traffic.stop()
        self.counts.progress[PROGRESS_STOPPED_NS] = now_ns()
        quiet_s = 0.0
        while now_ns() < deadline_ns and quiet_s < _QUIET_S and not self.deserted:
            await asyncio.sleep(_DRAIN_CHECK_S)
            quiet_s = quiet_s + _DRAIN_CHECK_S if self.quiet() else 0.0

    def quiet(self) -> bool:
        """Tell whether all that was expected has come and no attempt is under way."""
        return self.traffic.outstanding == 0 and not self.connector.busy


def message_schedule(plan: SendingPlan) -> Schedule | None:
    """Return when each sender sends; None in the closed model."""
    if plan.rate is None:
        return None
    kind = Schedule.poisson if plan.poisson else Schedule.constant
    options = {"seed": plan.seed} if plan.poisson else {}
    schedule: Schedule = kind(
        plan.senders, plan.rate.count, plan.rate.per_ns, tick_ns=plan.tick_ns, **options
    )
    return schedule
