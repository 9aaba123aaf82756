"""The connections of one worker: what becomes of each attempt and of what it establishes.

The connector is the owner of all connections of a worker: it counts them, times their phases,
names their ends and bounds what takes too long. What a run does with a connection is its
audience's matter (a job, see `engine/jobs`).
"""

import asyncio
from collections import deque
from typing import Protocol

from surgewire._core import gauge
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.histogram import Histogram
from surgewire._core.traffic import COUNTERS
from surgewire.engine import taxonomy
from surgewire.engine.farewell import Farewell
from surgewire.engine.shared import PROGRESS_ESTABLISHED_NS, Words, WorkerSlice
from surgewire.engine.way import syn
from surgewire.engine.way.attempt import Attempt
from surgewire.engine.way.deadlines import Deadlines
from surgewire.engine.way.tls import link_facts
from surgewire.plan.way.closing import ClosingPart

# How long a connection may take to close before it is aborted.
CLOSE_TIMEOUT_NS = 2_000_000_000

_JANITOR_S = 0.05
# SYNs of one connection that are told apart; by then half a minute has gone.
_MOST_SYNS = 6
# Turns of the loop until all that were aborted are gone: with TLS there are two transports.
_TURNS_TO_ABORT = 4
# Closing many connections in one turn of the loop would hold up everything else.
_CLOSE_BATCH = 250

_ATTEMPTED, _ESTABLISHED, _FAILED, _OPEN, _CLOSED, _RETRIED, _RETRIES_FAILED = map(
    COUNTERS.index,
    ("attempted", "established", "failed", "open", "closed", "retried", "retries_failed"),
)


class Dials(Protocol):
    """What establishes transports; see `Dialler`."""

    async def dial(self, connection: Connection, attempt: Attempt) -> None:
        """Establish the transport of `connection` and stamp `attempt`."""


class Gauges(Protocol):
    """What all workers of a run count together; see SharedRegion."""

    gauge: Words
    under_way: Words


class Audience:
    """Who makes the connections and is told what becomes of them; by itself it takes no notice."""

    def make(self, owner: "Connector", user: int) -> Connection:
        """Return a new connection for `user`, with `owner` as its owner."""
        raise NotImplementedError

    def turn(self, user: int, kind: str) -> str | None:  # noqa: ARG002
        """Tell what becomes of an attempt of `user` that ended by `kind`.

        Return the kind by which it failed, or None where it goes on with another connection, to
        where a server has redirected.
        """
        return kind

    def opened(self, connection: Connection) -> None:
        """Tell of an established connection."""

    def joined(self, connection: Connection) -> None:
        """Tell of the answer that a connection was asked to look out for."""

    def failed(self, user: int) -> None:
        """Tell of an attempt of `user` that came to nothing."""

    def ended(self, connection: Connection) -> None:
        """Tell of a connection that was open and has ended before we closed it."""

    def withdrew(self, connection: Connection) -> None:
        """Tell of an awkward connection that was open and has ended from our side."""

    def gone(self, connection: Connection) -> None:
        """Tell that nothing is left of a connection that was established."""

    def settled(self) -> None:
        """Tell that the last first attempt that was under way has its outcome."""

    def tidy(self, now_ns: int) -> None:
        """Look after what takes too long; called many times a second."""


class Connector:
    """Makes attempts and keeps the books of one worker's connections."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        counts: WorkerSlice,
        gauges: Gauges,
        dialler: Dials,
        audience: Audience,
        deadlines: Deadlines,
        closing: ClosingPart = ClosingPart(),  # noqa: B008 - frozen
    ) -> None:
        """Book in `counts` and in the run's `gauges`.

        deadlines: what `dialler` tells. closing: how connections are closed.
        """
        self._loop = loop
        self._counts = counts
        self._gauges = gauges
        self._dialler = dialler
        self._audience = audience
        self._deadlines = deadlines
        self._farewell = Farewell(counts, closing)
        self._close_timeout_ns = closing.timeout_ns or CLOSE_TIMEOUT_NS
        self._histograms = {
            name: Histogram(words)
            for name, words in counts.histograms.items()
            if name.endswith(("_time", "_time_resumed")) or name == "connect_lag"
        }
        self._pending: dict[Connection, Attempt] = {}
        self._first_pending = 0
        self._tasks: dict[Connection, asyncio.Task[None]] = {}
        self._alive: set[Connection] = set()
        self._closing: deque[tuple[int, Connection]] = deque()
        self._janitor = loop.call_later(_JANITOR_S, self._tidy)

    @property
    def open_now(self) -> int:
        """How many connections are open."""
        return int(self._counts.traffic[_OPEN])

    @property
    def busy(self) -> bool:
        """Whether an attempt is under way."""
        return bool(self._pending)

    @property
    def first_busy(self) -> bool:
        """Whether a first attempt is under way."""
        return self._first_pending > 0

    def attempt(self, user: int, planned_ns: int) -> None:
        """Begin the first attempt of `user`, planned for `planned_ns`."""
        self._first_pending += 1
        self._begin(user, planned_ns, again=False)

    def retry(self, user: int, planned_ns: int) -> None:
        """Begin another attempt of `user`, planned for `planned_ns`."""
        self._counts.traffic[_RETRIED] += 1
        self._begin(user, planned_ns, again=True)

    def give_up(self) -> None:
        """End the attempts that are under way, as interrupted."""
        for connection in list(self._pending):
            self._give_up(connection, taxonomy.INTERRUPTED)

    def dismiss(self, connection: Connection, kind: str) -> None:
        """Close an open connection that is of no use, and book it as having ended by `kind`."""
        self._farewell.dismissed(connection, kind)
        self._farewell.say(connection)

    def send_away(self, connection: Connection) -> None:
        """Close an open connection, as the plan says how."""
        self._farewell.say(connection)

    async def close_all(self) -> None:
        """Close every connection and wait, within a bound, until all are gone."""
        for number, connection in enumerate(list(self._alive)):
            self._farewell.say(connection)
            if number % _CLOSE_BATCH == _CLOSE_BATCH - 1:
                await asyncio.sleep(0)
        deadline_ns = now_ns() + self._close_timeout_ns
        while self._alive and now_ns() < deadline_ns:
            await asyncio.sleep(0.01)
        self.abort_all()
        for _ in range(_TURNS_TO_ABORT):
            await asyncio.sleep(0)

    def abort_all(self) -> None:
        """End every connection at once."""
        for connection in list(self._alive):
            connection.abort()

    def shut(self) -> None:
        """Release the timer."""
        self._janitor.cancel()

    # Attempts.

    def _begin(self, user: int, planned_ns: int, *, again: bool) -> None:
        connection = self._audience.make(self, user)
        attempt = Attempt(user, planned_ns, again)
        self._deadlines.begin(connection, now_ns())
        self._counts.traffic[_ATTEMPTED] += 1
        gauge.add(self._gauges.under_way, 1)
        if not again:
            self._farewell.attempted(connection)
        self._pending[connection] = attempt
        self._tasks[connection] = self._loop.create_task(self._dial(connection, attempt))

    async def _dial(self, connection: Connection, attempt: Attempt) -> None:
        if not attempt.started_ns:
            self._start(attempt)
        try:
            await self._dialler.dial(connection, attempt)
        except asyncio.CancelledError:
            # Whoever cancelled has named the reason.
            pass
        except (OSError, taxonomy.AttemptError) as error:
            self.failed(connection, taxonomy.connect_error_kind(error))
        finally:
            self._tasks.pop(connection, None)

    def _start(self, attempt: Attempt) -> None:
        attempt.started_ns = now_ns()
        self._histograms["connect_lag"].record(attempt.started_ns - attempt.planned_ns)

    def _give_up(self, connection: Connection, kind: str) -> None:
        task = self._tasks.pop(connection, None)
        self.failed(connection, kind)
        if task is not None:
            task.cancel()
        connection.abort(kind)

    def _go_on(self, connection: Connection, attempt: Attempt) -> None:
        """Let the user of `connection`, which was redirected, try another one."""
        del self._pending[connection]
        self._deadlines.drop(connection)
        self._see_off(connection)
        attempt.hop(now_ns())
        following = self._audience.make(self, attempt.user)
        self._pending[following] = attempt
        self._deadlines.begin(following, attempt.hop_ns)
        self._tasks[following] = self._loop.create_task(self._dial(following, attempt))

    def _see_off(self, connection: Connection) -> None:
        """Bound the end of a connection that came to nothing."""
        if connection.tcp_ns:
            # A TLS connection that is refused closes with a handshake, too.
            self._closing.append((now_ns() + self._close_timeout_ns, connection))

    def _take_out(self, connection: Connection) -> Attempt | None:
        attempt = self._pending.pop(connection, None)
        if attempt is None:
            return None
        self._deadlines.drop(connection)
        for fact in (*attempt.facts, *(attempt.trying if connection.tcp_ns else ())):
            self._counts.facts.add(fact)
        gauge.add(self._gauges.under_way, -1)
        self._first_pending -= not attempt.again
        return attempt

    def _settle(self, attempt: Attempt) -> None:
        if not attempt.again and not self._first_pending:
            self._audience.settled()

    # What connections tell their owner.

    def secured(self, connection: Connection) -> None:
        """Take note that TLS is there and the upgrade has begun."""
        self._deadlines.upgrade(connection, connection.secured_ns)

    def opened(self, connection: Connection) -> None:
        """Book an established connection."""
        attempt = self._take_out(connection)
        if attempt is None:
            return
        if connection.manners is None:
            for metric, phase_ns in attempt.phases_ns(connection).items():
                self._histograms[metric].record(phase_ns)
            self._counts.progress[PROGRESS_ESTABLISHED_NS] = connection.open_ns
        self._look_for_retransmissions(attempt, connection)
        for fact in () if connection.link is None else link_facts(connection.link):
            self._counts.facts.add(fact)
        self._counts.traffic[_ESTABLISHED] += 1
        self._counts.traffic[_OPEN] += 1
        gauge.add(self._gauges.gauge, 1)
        self._alive.add(connection)
        self._audience.opened(connection)
        self._settle(attempt)

    def joined(self, connection: Connection) -> None:
        """Pass on that the answer came for which a connection was to look out."""
        self._audience.joined(connection)

    def failed(self, connection: Connection, kind: str) -> None:
        """Book an attempt that came to nothing; only the first reason counts."""
        attempt = self._pending.get(connection)
        if attempt is None:
            return
        final = self._audience.turn(attempt.user, kind)
        if final is None:
            self._go_on(connection, attempt)
            return
        self._take_out(connection)
        if not attempt.started_ns:
            # Given up before its task had its first turn.
            self._start(attempt)
        self._counts.traffic[_FAILED] += 1
        self._counts.traffic[_RETRIES_FAILED] += attempt.again
        self._farewell.failed(connection, final, again=attempt.again)
        if connection.manners is None:
            self._counts.facts.add(f"failed_{attempt.phase(connection)}")
        self._see_off(connection)
        self._audience.failed(attempt.user)
        self._settle(attempt)

    def closed(self, connection: Connection, kind: str | None) -> None:
        """Book the end of an open connection; `kind` is None where we closed it."""
        self._counts.traffic[_OPEN] -= 1
        self._counts.traffic[_CLOSED] += 1
        gauge.add(self._gauges.gauge, -1)
        self._closing.append((now_ns() + self._close_timeout_ns, connection))
        self._farewell.closed(connection, kind)
        if kind is not None:
            self._audience.ended(connection)
        elif connection.manners is not None:
            self._audience.withdrew(connection)

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        if connection in self._alive:
            self._alive.remove(connection)
            self._farewell.gone(connection)
            self._audience.gone(connection)

    def _look_for_retransmissions(self, attempt: Attempt, connection: Connection) -> None:
        connected_ns = attempt.proxied_ns or connection.tcp_ns
        if not syn.may_be_retransmitted(connected_ns - attempt.dialled_ns):
            return
        if count := syn.retransmissions(connection.fileno()):
            self._counts.facts.add("syn_retransmitted")
            self._counts.facts.add(f"syn_sent_{min(count + 1, _MOST_SYNS)}_times")

    # What takes too long.

    def _tidy(self) -> None:
        now = now_ns()
        for connection in self._deadlines.overdue(now):
            self._give_up(connection, _timeout_kind(connection, self._pending[connection]))
        while self._closing and self._closing[0][0] <= now:
            # Those that are gone by now do not mind.
            self._closing.popleft()[1].abort()
        self._audience.tidy(now)
        self._janitor = self._loop.call_later(_JANITOR_S, self._tidy)


def _timeout_kind(connection: Connection, attempt: Attempt) -> str:
    if attempt.started_ns and not attempt.dialled_ns:
        return taxonomy.TIMEOUT_DNS
    if connection.tcp_ns == 0:
        return taxonomy.TIMEOUT_PROXY if attempt.proxied_ns else taxonomy.TIMEOUT_CONNECT
    if connection.link is not None and connection.secured_ns == 0:
        return taxonomy.TIMEOUT_TLS
    return taxonomy.TIMEOUT_UPGRADE
