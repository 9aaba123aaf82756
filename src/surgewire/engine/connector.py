"""Establishing connections at planned instants, and what becomes of each.

Open model: an attempt begins when the schedule says so, however many are still under way. The
connector is the owner of all connections of a worker: it counts them, times their phases and names
their ends.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from surgewire._core import gauge
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.histogram import Histogram
from surgewire._core.pacer import Schedule
from surgewire._core.traffic import COUNTERS
from surgewire._core.wakeup import Wakeup
from surgewire.engine import taxonomy
from surgewire.engine.attempt import Attempt
from surgewire.engine.resolver import Resolver
from surgewire.engine.shared import PROGRESS_ESTABLISHED_NS, Words, WorkerSlice
from surgewire.plan.models import Plan

# How long a connection may take to close before it is aborted.
CLOSE_TIMEOUT_NS = 2_000_000_000

_JANITOR_S = 0.05
# Closing many connections in one turn of the loop would hold up everything else.
_CLOSE_BATCH = 250

_ATTEMPTED, _ESTABLISHED, _FAILED, _OPEN, _CLOSED = (
    COUNTERS.index(name) for name in ("attempted", "established", "failed", "open", "closed")
)


class Connector:
    """The connections of one worker.

    users: the numbers of the worker's users, each an attempt. make: returns the connection of a
    user, with this connector as its owner. on_settled: called when every attempt has an outcome.
    on_ended: called for a connection that was open and has ended before we closed it.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        counts: WorkerSlice,
        gauge_words: Words,
        users: Sequence[int],
        sources: Sequence[str],
        tls: ssl.SSLContext | None,
        *,
        make: Callable[["Connector", int], Connection],
        on_opened: Callable[[Connection], None],
        on_ended: Callable[[Connection], None],
        on_settled: Callable[[], None],
    ) -> None:
        """Prepare; nothing begins before `start`."""
        self._loop = loop
        self._plan = plan
        self._counts = counts
        self._gauge = gauge_words
        self._users = users
        self._sources = sources
        self._tls = tls
        self._make = make
        self._on_opened = on_opened
        self._on_ended = on_ended
        self._on_settled = on_settled
        self._histograms = {
            name: Histogram(words)
            for name, words in counts.histograms.items()
            if name.endswith("_time") or name == "connect_lag"
        }
        self._resolver = Resolver(loop, plan.target, cached=plan.kind == "echo")
        self._schedule = connect_schedule(plan)
        self._next = 0
        self._start_ns = 0
        self._settled = False
        self._pending: dict[Connection, Attempt] = {}
        self._tasks: dict[Connection, asyncio.Task[None]] = {}
        self._deadlines: deque[tuple[int, Connection]] = deque()
        self._alive: set[Connection] = set()
        self._closing: deque[tuple[int, Connection]] = deque()
        self._wakeup = Wakeup(loop, self._dial_due)
        self._janitor = loop.call_later(_JANITOR_S, self._tidy)

    @property
    def open_now(self) -> int:
        """How many connections are open."""
        return int(self._counts.traffic[_OPEN])

    def start(self, at_ns: int) -> None:
        """Begin the attempts; the schedule counts from `at_ns`."""
        self._start_ns = at_ns
        self._dial_due()

    def stop(self) -> None:
        """Begin no more attempts and give up those under way, as interrupted."""
        self._next = len(self._users)
        for connection in list(self._pending):
            self._give_up(connection, taxonomy.INTERRUPTED)
        self._check_settled()

    async def close_all(self) -> None:
        """Close every connection with code 1000 and wait, within a bound, until all are gone."""
        for number, connection in enumerate(list(self._alive)):
            connection.close(1000)
            if number % _CLOSE_BATCH == _CLOSE_BATCH - 1:
                await asyncio.sleep(0)
        deadline_ns = now_ns() + CLOSE_TIMEOUT_NS
        while self._alive and now_ns() < deadline_ns:
            await asyncio.sleep(0.01)
        self.abort_all()
        await asyncio.sleep(0)

    def abort_all(self) -> None:
        """End every connection at once."""
        for connection in list(self._alive):
            connection.abort()

    def shut(self) -> None:
        """Release timers."""
        self._janitor.cancel()
        self._wakeup.close()

    # Attempts.

    def _planned_ns(self, user: int) -> int:
        rounded_ns: int = self._schedule.instant(0, user)[0]
        return self._start_ns + rounded_ns

    def _dial_due(self) -> None:
        now = now_ns()
        while self._next < len(self._users):
            user = self._users[self._next]
            planned_ns = self._planned_ns(user)
            if planned_ns > now:
                self._wakeup.arm(planned_ns)
                return
            self._next += 1
            self._begin(user, planned_ns)
        self._check_settled()

    def _begin(self, user: int, planned_ns: int) -> None:
        connection = self._make(self, user)
        attempt = Attempt(planned_ns)
        self._counts.traffic[_ATTEMPTED] += 1
        self._pending[connection] = attempt
        self._deadlines.append((now_ns() + self._plan.connect_timeout_ns, connection))
        self._tasks[connection] = self._loop.create_task(self._dial(connection, attempt, user))

    async def _dial(self, connection: Connection, attempt: Attempt, user: int) -> None:
        attempt.started_ns = now_ns()
        self._histograms["connect_lag"].record(attempt.started_ns - attempt.planned_ns)
        source = (self._sources[user % len(self._sources)], 0) if self._sources else None
        try:
            family = socket.AF_INET if source else 0
            addresses, waited = await self._resolver.resolve(family)
            attempt.dialled_ns = now_ns() if waited else attempt.started_ns
            transport = await self._connect(connection, addresses, source)
            if self._tls is None or connection not in self._pending:
                return
            # A reset may be known to the transport and not to the connection yet, which will tell
            # of it; starting TLS on what is closed would raise into the loop.
            if not transport.is_closing():
                attempt.securing = True
                secured = await self._loop.start_tls(
                    transport,
                    connection,
                    self._tls,
                    server_hostname=self._plan.target.host,
                    # What takes too long is named by us, and before this.
                    ssl_handshake_timeout=2 * self._plan.connect_timeout_ns / 1e9 + 1,
                )
                assert secured is not None
                connection.secured(secured)
        except asyncio.CancelledError:
            # Whoever cancelled has named the reason.
            pass
        except (OSError, ssl.SSLError) as error:
            kind = taxonomy.connect_error_kind(error, tls=attempt.securing)
            self.failed(connection, kind)
        finally:
            self._tasks.pop(connection, None)

    async def _connect(
        self, connection: Connection, addresses: Sequence[str], source: tuple[str, int] | None
    ) -> asyncio.Transport:
        port = self._plan.target.port
        for address in addresses[:-1]:
            with suppress(OSError):
                return (
                    await self._loop.create_connection(
                        lambda: connection, address, port, local_addr=source
                    )
                )[0]
        last = addresses[-1]
        return (
            await self._loop.create_connection(lambda: connection, last, port, local_addr=source)
        )[0]

    def _give_up(self, connection: Connection, kind: str) -> None:
        task = self._tasks.pop(connection, None)
        self.failed(connection, kind)
        if task is not None:
            task.cancel()
        connection.abort(kind)

    def _check_settled(self) -> None:
        if not self._settled and not self._pending and self._next == len(self._users):
            self._settled = True
            self._on_settled()

    # What connections tell their owner.

    def opened(self, connection: Connection) -> None:
        """Book an established connection."""
        attempt = self._pending.pop(connection, None)
        if attempt is None:
            return
        for metric, phase_ns in attempt.phases_ns(connection).items():
            self._histograms[metric].record(phase_ns)
        self._counts.traffic[_ESTABLISHED] += 1
        self._counts.traffic[_OPEN] += 1
        self._counts.progress[PROGRESS_ESTABLISHED_NS] = connection.open_ns
        gauge.add(self._gauge, 1)
        self._alive.add(connection)
        self._on_opened(connection)
        self._check_settled()

    def failed(self, connection: Connection, kind: str) -> None:
        """Book an attempt that came to nothing; only the first reason counts."""
        if self._pending.pop(connection, None) is None:
            return
        self._counts.traffic[_FAILED] += 1
        self._counts.errors.add(kind)
        if connection.tcp_ns:
            # A TLS connection that is refused closes with a handshake, too.
            self._closing.append((now_ns() + CLOSE_TIMEOUT_NS, connection))
        self._check_settled()

    def closed(self, connection: Connection, kind: str | None) -> None:
        """Book the end of an open connection; `kind` is None where we closed it."""
        self._counts.traffic[_OPEN] -= 1
        self._counts.traffic[_CLOSED] += 1
        gauge.add(self._gauge, -1)
        self._closing.append((now_ns() + CLOSE_TIMEOUT_NS, connection))
        if kind is not None:
            self._counts.closed.add(kind)
            self._on_ended(connection)

    def gone(self, connection: Connection) -> None:
        """Forget a connection."""
        self._alive.discard(connection)

    # What takes too long.

    def _tidy(self) -> None:
        now = now_ns()
        while self._deadlines and (
            self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._pending
        ):
            connection = self._deadlines.popleft()[1]
            attempt = self._pending.get(connection)
            if attempt is not None:
                self._give_up(connection, _timeout_kind(connection, attempt))
        while self._closing and self._closing[0][0] <= now:
            # Those that are gone by now do not mind.
            self._closing.popleft()[1].abort()
        self._janitor = self._loop.call_later(_JANITOR_S, self._tidy)


def _timeout_kind(connection: Connection, attempt: Attempt) -> str:
    if connection.tcp_ns == 0:
        return taxonomy.TIMEOUT_CONNECT
    if attempt.securing and connection.secured_ns == 0:
        return taxonomy.TIMEOUT_TLS
    return taxonomy.TIMEOUT_UPGRADE


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
