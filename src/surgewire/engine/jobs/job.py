"""What all kinds of runs have in common for a worker: users that connect, stay, and are closed."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from surgewire._core import poller
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.traffic import Traffic, User
from surgewire._core.witness import Witness
from surgewire.dialects.client_upgrade import ClientUpgrade
from surgewire.engine.behaviours import behaviours_of, seed_of
from surgewire.engine.connector import Audience, Connector
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.manners import Manners, manners_of
from surgewire.engine.ramp import Ramp
from surgewire.engine.way.deadlines import Deadlines
from surgewire.engine.way.dialler import Dialler
from surgewire.engine.way.following import FollowingDialler
from surgewire.engine.way.redirects import Redirects
from surgewire.engine.way.requests import Requests
from surgewire.engine.way.sources import source_addresses
from surgewire.engine.way.tls import TlsLayer
from surgewire.plan.target import Target


class Job(Audience, ABC):
    """The users of one worker in one kind of run.

    on_settled: called once, when every user is as far as it will get before sending. The
    connector's audience, too.
    """

    reads = False
    """Whether messages come back, which the native poller then reads."""
    witnesses = 0
    """Connections whose kernel stamps are still wanted."""

    def __init__(self, place: Workplace, on_settled: Callable[[], None]) -> None:
        """Set up everything that the run needs, before its clock starts."""
        plan = place.plan
        self.place = place
        self.counts = place.counts
        self.poller = Poller(place.loop) if self.reads and poller.AVAILABLE else None
        self.traffic = self.make_traffic()
        self.buffer = ReceiveBuffer()
        self._redirects = Redirects(plan.target, self.counts.facts.add)
        self._requests = Requests(plan, self._redirects, self.counts.facts.add)
        self._deadlines = Deadlines(plan)
        self._sources = source_addresses(plan)
        dialler = Dialler(
            place.loop,
            plan,
            self._sources,
            TlsLayer(plan.tls) if plan.target.secure else None,
            self._deadlines,
        )
        self.connector = Connector(
            place.loop,
            self.counts,
            place.region,
            self._following(dialler) if plan.request.follow else dialler,
            self,
            self._deadlines,
            plan.closing,
        )
        self.behaviours = behaviours_of(plan, place.users)
        self.awkward: set[Connection] = set()
        """Open connections of users that misbehave."""
        self.ramp = Ramp(
            place.loop,
            plan,
            place.users,
            begin=self.connector.attempt,
            on_done=self.settled,
        )
        self._on_settled = on_settled
        self.is_settled = False
        """Whether every user is as far as it will get before sending."""
        self.begun_ns = 0
        """The instant at which what the run is for began; 0 before."""
        self.notes: list[str] = []
        """What is to be said to people in the end."""
        self.enough = asyncio.Event()
        """Set once nothing more is to be sent: by the worker, or where nobody is left."""

    # What is to be said of a kind of run.

    @abstractmethod
    def make_traffic(self) -> Traffic:
        """Return what the users share."""

    @abstractmethod
    def make(self, owner: Connector, user: int) -> Connection:
        """Return a new connection for `user`, with `owner` as its owner."""

    def begin(self, at_ns: int) -> int:
        """Begin what the run is for at the instant `at_ns`; return the instant at which it ends."""
        self.begun_ns = at_ns
        if self.reads:
            for connection in self.awkward:
                connection.manners.begin(self._until_begun_s)
        return at_ns

    @property
    def _until_begun_s(self) -> float:
        return max(0, self.begun_ns - now_ns()) / 1e9

    @abstractmethod
    async def drain(self) -> None:
        """Wait for what is under way, within a bound; no more is sent after it."""

    def upgrade(self, user: int, room: int = 0) -> ClientUpgrade:
        """Return the opening handshake of `user`, who is in `room`."""
        return self._requests.upgrade(user, room)

    def _following(self, dialler: Dialler) -> FollowingDialler:
        plan, loop = self.place.plan, self.place.loop

        def dialler_to(target: Target) -> Dialler:
            tls = TlsLayer(plan.tls.elsewhere()) if target.secure else None
            there = plan.model_copy(update={"target": target})
            # Those that were named are for all addresses; others are taken where they are needed.
            sources = source_addresses(there) if plan.route.source is None else self._sources
            return Dialler(loop, there, sources, tls, self._deadlines)

        return FollowingDialler(plan.target, dialler, self._redirects, dialler_to)

    def manners(self, user: int) -> Manners | None:
        """Return how a new connection of `user` is to misbehave; None where it is not."""
        behaviour = self.behaviours.get(user)
        if behaviour is None:
            return None
        plan = self.place.plan
        return manners_of(behaviour, self.place.loop, user=user, seed=seed_of(plan))

    # What the worker calls.

    def start(self, at_ns: int) -> None:
        """Let the users connect; the schedule counts from `at_ns`."""
        self.ramp.start(at_ns)

    def stop(self) -> None:
        """Begin no more attempts and give up those under way."""
        self.ramp.stop()
        self.connector.give_up()

    @property
    def deserted(self) -> bool:
        """Whether nothing is open and nothing will be."""
        connector = self.connector
        return self.is_settled and connector.open_now == 0 and not connector.busy

    @property
    def all_answered(self) -> bool:
        """Whether every user's first attempt has its outcome."""
        return self.ramp.done and not self.connector.first_busy

    @property
    def pings(self) -> dict[str, int]:
        """How often users are pinged and how long an answer is awaited; 0 for no pings."""
        plan = self.place.plan
        return {"ping_ns": plan.ping_ns or 0, "ping_timeout_ns": plan.ping_timeout_ns or 0}

    async def finish(self) -> None:
        """Book what is missing and close all connections."""
        self.stop()
        self.traffic.finish(drained=True)
        await self.connector.close_all()

    def abort(self) -> None:
        """Book what is under way and end all connections at once."""
        self.traffic.finish(drained=False)
        self.stop()
        self.connector.abort_all()

    def close(self) -> None:
        """Release timers and descriptors."""
        self.ramp.close()
        self.connector.shut()
        self.traffic.close()
        if self.poller is not None:
            self.poller.close()

    # What the connector tells.

    def turn(self, user: int, kind: str) -> str | None:
        """Let a user go on to where a server has redirected it, if it is to follow."""
        return self._redirects.turn(user, kind) if self.place.plan.request.follow else kind

    def opened(self, connection: Connection) -> None:
        """Count what was agreed on; let kernel's stamps be taken on the first few connections."""
        assert isinstance(connection, User)
        self._redirects.arrived(connection.user)
        if self.place.plan.deflate.is_offered:
            agreed = connection.is_deflated
            self.counts.facts.add("deflate_agreed" if agreed else "deflate_declined")
        if connection.manners is not None:
            self.awkward.add(connection)
            if self.begun_ns or not self.reads:
                connection.manners.begin(self._until_begun_s)
            return
        if self.witnesses == 0 or connection.fileno() < 0:
            return
        self.witnesses -= 1
        words = self.counts.histograms
        with suppress(OSError):
            connection.observe(
                Witness(connection.fileno(), words["witness_receive"], words["witness_send"])
            )

    def ended(self, connection: Connection) -> None:
        """Book what the connection still owed, and see whether it was the last one."""
        assert isinstance(connection, User)
        self.awkward.discard(connection)
        self.traffic.cut_off(connection)
        self.see_who_is_left()

    def withdrew(self, connection: Connection) -> None:
        """Book what an awkward connection still owed, and see whether it was the last one."""
        assert isinstance(connection, User)
        self.awkward.discard(connection)
        self.traffic.left(connection)
        self.see_who_is_left()

    def settled(self) -> None:
        """See whether every user is as far as it will get before sending."""
        if not self.is_settled and self.all_answered:
            self.is_settled = True
            self._on_settled()
            self.see_who_is_left()

    def see_who_is_left(self) -> None:
        """Have enough once nobody is left."""
        if self.begun_ns and self.deserted:
            self.enough.set()
