"""What a worker gives to its job: the loop, the plan, and its part of the shared memory."""

import asyncio
from dataclasses import dataclass

from surgewire.engine.shared import SharedRegion, WorkerSlice
from surgewire.plan.models import Plan


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where a job is done. run_tag: the 30-bit number that marks this run's messages."""

    loop: asyncio.AbstractEventLoop
    worker: int
    plan: Plan
    region: SharedRegion
    run_tag: int

    @property
    def counts(self) -> WorkerSlice:
        """What this worker counts."""
        return self.region.slice(self.worker)

    @property
    def users(self) -> range:
        """The numbers of this worker's users over the whole run."""
        return range(self.worker, self.plan.connections, self.region.workers)
