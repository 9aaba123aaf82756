"""Connect runs: users that connect, are greeted or not, are held, and may leave and come back."""

import asyncio
from collections.abc import Callable
from typing import Any

from surgewire._core.awkward import AwkwardConnectUser
from surgewire._core.clock import now_ns
from surgewire._core.connect_traffic import ConnectTraffic, ConnectUser
from surgewire._core.connection import Connection
from surgewire._core.ledger import Ledger
from surgewire.engine import taxonomy
from surgewire.engine.connector import Connector
from surgewire.engine.jobs.job import Job
from surgewire.engine.jobs.storm import Storm
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.joins import Joins
from surgewire.engine.shared import PROGRESS_STOPPED_NS
from surgewire.engine.surges import SurgeBook
from surgewire.plan.models import ConnectPlan

# The fewest that a ledger has.
_WINDOW_BITS = 128
_CHECK_S = 0.02


class ConnectJob(Job):
    """The users of one worker in a connect run."""

    traffic: ConnectTraffic

    def __init__(self, place: Workplace, on_settled: Callable[[], None]) -> None:
        """Set up everything that the run needs, before its clock starts."""
        super().__init__(place, on_settled)
        plan = self.plan
        self._surges = SurgeBook(self.counts.surges, plan.surges, place.users)
        self._greetings: Joins[ConnectUser] = Joins(plan.connect_timeout_ns)
        self._present: dict[int, ConnectUser] = {}
        self._storm: Storm | None = None
        if plan.leavers:
            self._storm = Storm(
                place.loop,
                plan,
                place.users,
                come_back=self.connector.retry,
                leave=self._leave,
            )

    @property
    def plan(self) -> ConnectPlan:
        """The plan of the run."""
        plan = self.place.plan
        assert isinstance(plan, ConnectPlan)
        return plan

    def make_traffic(self) -> ConnectTraffic:
        """Return what counts bytes, takes the loop's pulse and times greetings."""
        place = self.place
        return ConnectTraffic(
            place.loop,
            Ledger(1, _WINDOW_BITS, self.counts.ledger),
            None,
            self.counts.traffic,
            self.counts.histograms,
            run=place.run_tag,
            worker=place.worker,
            deadline_ns=0,
            users=len(place.users),
            **self.pings,
        )

    def make(self, owner: Connector, user: int) -> Connection:
        """Return a new connection for `user`."""
        plan, manners = self.plan, self.manners(user)
        handshake = self.upgrade(user)
        options: dict[str, Any] = {
            "index": user // self.place.region.workers,
            "user": user,
            "awaits_greeting": plan.until_message,
            "max_message_bytes": plan.max_message_bytes,
        }
        if manners is None:
            return ConnectUser(self.buffer, owner, handshake, self.traffic, **options)
        held = manners.handshake(handshake)
        return AwkwardConnectUser(
            self.buffer, owner, held, self.traffic, manners=manners, **options
        )

    # The life of a run.

    def start(self, at_ns: int) -> None:
        """Let the users connect; the schedule counts from `at_ns`."""
        self._surges.start(at_ns)
        super().start(at_ns)

    def begin(self, at_ns: int) -> int:
        """Hold what is open."""
        return super().begin(at_ns) + self.plan.hold_ns

    async def drain(self) -> None:
        """Let those leave that are to, and wait until all are back, as long as the plan says."""
        if self._storm is None or self.enough.is_set():
            return
        planned_ns = self.begun_ns + self.plan.hold_ns
        until_ns = planned_ns + self.plan.return_timeout_ns
        self._surges.leave(await self._storm.strike(), planned_ns)
        while now_ns() < until_ns and not self.enough.is_set() and not self._all_are_done():
            await asyncio.sleep(_CHECK_S)
        self._storm.stop()

    def _all_are_done(self) -> bool:
        """Tell whether nobody of any worker will come back any more.

        Whoever ended earlier would close its connections while others still come in.
        """
        if self._storm is None or self._storm.pending or self.connector.busy or self._greetings:
            return False
        progress = self.counts.progress
        progress[PROGRESS_STOPPED_NS] = progress[PROGRESS_STOPPED_NS] or now_ns()
        return all(part.progress[PROGRESS_STOPPED_NS] for part in self.place.region.slices)

    def stop(self) -> None:
        """Begin no more attempts and give up those under way."""
        if self._storm is not None:
            self._storm.stop()
        super().stop()

    def close(self) -> None:
        """Release timers and descriptors."""
        if self._storm is not None:
            self._storm.close()
        super().close()

    @property
    def deserted(self) -> bool:
        """Whether nothing is open and nobody is about to come back."""
        return super().deserted and (self._storm is None or not self._storm.pending)

    @property
    def all_answered(self) -> bool:
        """Whether every first attempt has its outcome and nobody waits for its greeting."""
        return super().all_answered and not self._greetings

    # What the connector tells.

    def opened(self, connection: Connection) -> None:
        """Await the greeting; where none is awaited, the user is in."""
        super().opened(connection)
        user = _connect_user(connection)
        if self.plan.until_message:
            self._greetings.ask(user, now_ns())
        else:
            self._admit(user, user.open_ns)

    def joined(self, connection: Connection) -> None:
        """Take the greeting."""
        user = _connect_user(connection)
        if self._greetings.settle(user):
            self._admit(user, user.greeted_ns)
            self.settled()

    def failed(self, user: int) -> None:
        """Let a user that could not come back try again, where it is to."""
        if self._storm is not None:
            self._storm.failed(user)
        self.see_who_is_left()

    def ended(self, connection: Connection) -> None:
        """See whether it was the last one."""
        user = _connect_user(connection)
        self._present.pop(user.user, None)
        self._greetings.settle(user)
        super().ended(connection)
        self.settled()

    def withdrew(self, connection: Connection) -> None:
        """See whether it was the last one, where an awkward user ended its connection."""
        user = _connect_user(connection)
        self._present.pop(user.user, None)
        self._greetings.settle(user)
        super().withdrew(connection)
        self.settled()

    def gone(self, connection: Connection) -> None:
        """Let a user that has left come back: it has one connection at a time."""
        if self._storm is not None:
            self._storm.gone(_connect_user(connection).user)

    def tidy(self, now_ns: int) -> None:
        """End the connections that have waited for their greeting long enough."""
        overdue = list(self._greetings.overdue(now_ns))
        for user in overdue:
            if user.is_open:
                self.connector.dismiss(user, taxonomy.TIMEOUT_MESSAGE)
        if overdue:
            self.settled()
            self.see_who_is_left()

    def _admit(self, user: ConnectUser, at_ns: int) -> None:
        if not user.is_open:
            return
        self._present[user.user] = user
        self.traffic.arrived(user, at_ns)
        if self._storm is not None and self._storm.came(user.user):
            self._surges.came_back(at_ns)
        else:
            self._surges.came(user.user, at_ns)

    def _leave(self, number: int) -> bool:
        user = self._present.pop(number, None)
        if user is None:
            return False
        self.traffic.leave(user)
        self.connector.send_away(user)
        return True


def _connect_user(connection: Connection) -> ConnectUser:
    assert isinstance(connection, ConnectUser)
    return connection
