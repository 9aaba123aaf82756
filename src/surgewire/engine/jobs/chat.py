"""Chat runs: users in rooms that join, send, hear each other, are cut off and come back."""

import time
from collections.abc import Callable
from typing import Any

from surgewire._core.awkward import AwkwardChatUser
from surgewire._core.chat_traffic import ChatTraffic, ChatUser
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.ledger import Ledger
from surgewire._core.sizes import SizePicker
from surgewire._core.trace import Trace
from surgewire._core.traffic import COUNTERS
from surgewire.engine import taxonomy
from surgewire.engine.backoff import Backoff
from surgewire.engine.churn import Churn
from surgewire.engine.connector import Connector
from surgewire.engine.jobs.sending import SendingJob, message_schedule
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.joins import JOIN_SETTLES_NS, Joins
from surgewire.engine.returns import Returns, spacing_ns
from surgewire.engine.shared import PROGRESS_STOPPED_NS
from surgewire.engine.templates import join_template, message_template
from surgewire.engine.traces import trace_path
from surgewire.engine.turnover import Turnover
from surgewire.engine.windows import stream_rate_per_s, window_bits
from surgewire.plan.models import ChatPlan

_JOIN_FAILED = COUNTERS.index("join_failed")
_MASK = (1 << 64) - 1


class ChatJob(SendingJob):
    """The users of one worker in a chat run."""

    traffic: ChatTraffic

    def __init__(self, place: Workplace, on_settled: Callable[[], None]) -> None:
        """Set up everything that the run needs, before its clock starts."""
        super().__init__(place, on_settled)
        plan = self.plan
        self._join = join_template(plan)
        self._joins: Joins[ChatUser] = Joins(plan.join_timeout_ns or JOIN_SETTLES_NS)
        self._present: dict[int, ChatUser] = {}
        # Users whose connection has ended and is not gone yet, and what then becomes of them.
        self._going: dict[ChatUser, Callable[[int], None]] = {}
        self._turnover = Turnover(
            place.loop,
            make_returns(plan, len(place.users)),
            make_churn(place, plan),
            come_back=self.connector.retry,
            leave=self._leave,
            is_there=self._present.__contains__,
        )

    @property
    def plan(self) -> ChatPlan:
        """The plan of the run."""
        plan = self.place.plan
        assert isinstance(plan, ChatPlan)
        return plan

    def make_traffic(self) -> ChatTraffic:
        """Return what the users share."""
        place, plan = self.place, self.plan
        rooms, schedule = place.region.share_rooms(place.worker), message_schedule(plan)
        assert rooms is not None
        assert schedule is not None
        bits = window_bits(stream_rate_per_s(plan), plan.deadline_ns)
        self._trace = None if plan.trace is None else Trace(trace_path(plan.trace, place.worker))
        return ChatTraffic(
            place.loop,
            Ledger(len(place.users) * place.region.workers, bits, self.counts.ledger),
            schedule,
            self.counts.traffic,
            self.counts.histograms,
            run=place.run_tag,
            worker=place.worker,
            rooms=rooms,
            template=message_template(plan),
            sizes=make_sizes(plan, place.worker),
            to_others=plan.to == "others",
            deadline_ns=plan.deadline_ns,
            poller=self.poller,
            join_matcher=plan.join_matcher,
            trace=self._trace,
            **self.pings,
        )

    def make(self, owner: Connector, user: int) -> Connection:
        """Return a new connection for `user`."""
        plan, layout = self.plan, self.plan.layout
        room = layout.room_of(user)
        manners, handshake = self.manners(user), self.upgrade(user, room)
        options: dict[str, Any] = {
            "index": user // self.place.region.workers,
            "user": user,
            "room": room,
            "number": layout.number_of(user),
            "max_message_bytes": plan.max_message_bytes,
            "poller": self.poller,
        }
        if manners is None:
            return ChatUser(self.buffer, owner, handshake, self.traffic, **options)
        held = manners.handshake(handshake)
        return AwkwardChatUser(self.buffer, owner, held, self.traffic, manners=manners, **options)

    # The life of a run.

    def begin(self, at_ns: int) -> int:
        """Send from `at_ns` on; from then on users leave, too."""
        end_ns = super().begin(at_ns)
        if self.is_settled:
            self._turnover.begin(at_ns)
        return end_ns

    def quiet(self) -> bool:
        """Tell whether all that was expected has come and no worker sends any more."""
        stopped = all(part.progress[PROGRESS_STOPPED_NS] for part in self.place.region.slices)
        return stopped and super().quiet()

    async def drain(self) -> None:
        """Let nobody leave or come back any more, and wait for what is under way."""
        self._turnover.stop()
        await super().drain()

    def stop(self) -> None:
        """Begin no more attempts and give up those under way."""
        self._turnover.stop()
        super().stop()

    def close(self) -> None:
        """Release timers and descriptors."""
        self._turnover.close()
        super().close()
        if self._trace is not None:
            try:
                self._trace.close()
            except OSError as error:
                why = (error.strerror or str(error)).lower()
                self.notes.append(f"the trace of worker {self.place.worker} is cut short: {why}")

    @property
    def deserted(self) -> bool:
        """Whether nothing is open and nobody will come back."""
        return super().deserted and not self._turnover.awaits and not self._going

    @property
    def all_answered(self) -> bool:
        """Whether every first attempt has its outcome and nobody waits for its join."""
        return super().all_answered and not self._joins

    # What the connector tells.

    def opened(self, connection: Connection) -> None:
        """Ask to join; without a message to ask by, the user is in its room at once."""
        super().opened(connection)
        user = _chat_user(connection)
        self.traffic.add(user)
        if self._join is None:
            self._admit(user)
            return
        now_ms = time.time_ns() // 1_000_000
        # First, because a connection that is broken already ends within `ask`.
        self._joins.ask(user, now_ns())
        user.ask(self._join.payload(room=user.room, user=user.user, now_ms=now_ms), False)

    def joined(self, connection: Connection) -> None:
        """Take the answer to a join."""
        user = _chat_user(connection)
        if self._joins.settle(user):
            self._admit(user)
            self.settled()

    def failed(self, user: int) -> None:
        """Let a user that could not connect try again in a while, if it is to."""
        self._turnover.failed(user)
        self.see_who_is_left()

    def ended(self, connection: Connection) -> None:
        """Book what the user still had to hear; it comes back, if it is to."""
        user = _chat_user(connection)
        self._present.pop(user.user, None)
        self._going[user] = self._turnover.failed
        if self._joins.settle(user):
            self.counts.traffic[_JOIN_FAILED] += not user.apart
        super().ended(connection)
        self.settled()

    def withdrew(self, connection: Connection) -> None:
        """Book that an awkward user ended its connection; it comes back, if it is to."""
        user = _chat_user(connection)
        if user not in self._going:
            self._present.pop(user.user, None)
            self._going[user] = self._turnover.failed
        self._joins.settle(user)
        super().withdrew(connection)
        self.settled()

    def gone(self, connection: Connection) -> None:
        """Let the user come back: it has one connection at a time."""
        user = _chat_user(connection)
        come_back = self._going.pop(user, None)
        if come_back is not None:
            come_back(user.user)
            self.see_who_is_left()

    def settled(self) -> None:
        """Let users leave and come back once everyone has had its first try."""
        was_settled = self.is_settled
        super().settled()
        if self.is_settled and not was_settled:
            self._turnover.open()
            if self.begun_ns:
                self._turnover.begin(max(self.begun_ns, now_ns()))

    def tidy(self, now_ns: int) -> None:
        """See to the joins that have waited long enough."""
        overdue = list(self._joins.overdue(now_ns))
        for user in overdue:
            if self.plan.joined is None:
                self._admit(user)
            else:
                self._refuse(user)
        if overdue:
            self.settled()
            self.see_who_is_left()

    def _admit(self, user: ChatUser) -> None:
        if user.is_open:
            self.traffic.joined(user)
            self._present[user.user] = user
            self._turnover.joined(user.user)

    def _refuse(self, user: ChatUser) -> None:
        if not user.is_open:
            # We are closing it at the end of the run: nobody kept it waiting too long.
            return
        self.counts.traffic[_JOIN_FAILED] += not user.apart
        self._going[user] = self._turnover.failed
        self.connector.dismiss(user, taxonomy.TIMEOUT_JOIN)

    def _leave(self, number: int) -> None:
        user = self._present.pop(number)
        self._going[user] = self._turnover.left
        self.traffic.leave(user)
        self.connector.send_away(user)


def _chat_user(connection: Connection) -> ChatUser:
    assert isinstance(connection, ChatUser)
    return connection


def make_returns(plan: ChatPlan, users: int) -> Returns:
    """Return who of `users` users comes back when, as the plan says."""
    backoff = None
    if plan.reconnect_min_ns is not None and plan.reconnect_max_ns is not None:
        backoff = Backoff(plan.reconnect_min_ns, plan.reconnect_max_ns, seed=plan.seed)
    return Returns(backoff, spacing_ns=spacing_ns(plan, users))


def make_churn(place: Workplace, plan: ChatPlan) -> Churn | None:
    """Return who leaves when; None where the plan lets nobody leave."""
    if plan.churn_ppm is None or plan.churn_per_ns is None:
        return None
    return Churn(
        place.users,
        connections=plan.connections,
        workers=place.region.workers,
        worker=place.worker,
        share_ppm=plan.churn_ppm,
        per_ns=plan.churn_per_ns,
        seed=plan.seed,
    )


def make_sizes(plan: ChatPlan, worker: int) -> SizePicker | None:
    """Return how large this worker's messages are; None where the template decides."""
    if plan.size is None:
        return None
    return SizePicker(plan.size.kind, plan.size.parts, (plan.seed + (worker << 32)) & _MASK)
