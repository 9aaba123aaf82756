"""Standing still on request."""

import asyncio
import time

from surgewire._core.clock import now_ns
from surgewire._core.wakeup import Wakeup


class Stall:
    """Stops the whole process for a while, again and again, as a long garbage collection would.

    `stall_ns` of silence begin every `every_ns`, counted from `start_ns`.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, start_ns: int, stall_ns: int, every_ns: int
    ) -> None:
        """Plan the first."""
        self._stall_ns = stall_ns
        self._every_ns = every_ns
        self._next_ns = start_ns + every_ns
        self._wakeup = Wakeup(loop, self._stop_the_world)
        self._wakeup.arm(self._next_ns)

    def _stop_the_world(self) -> None:
        time.sleep(max(0, self._next_ns + self._stall_ns - now_ns()) / 1e9)
        self._next_ns += self._every_ns
        self._wakeup.arm(self._next_ns)
