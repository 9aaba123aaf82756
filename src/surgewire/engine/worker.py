"""One worker process: an event loop, its users, and the conversation with the supervisor."""

import asyncio
import gc
import logging
import socket
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import uvloop
from websockets.uri import parse_uri

from surgewire._core import poller
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.template import Template
from surgewire._core.traffic import EchoUser, Traffic
from surgewire._core.witness import Witness
from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.plain import plain_text
from surgewire.engine.connector import Connector
from surgewire.engine.control import ControlChannel, Message
from surgewire.engine.shared import (
    PHASES,
    PROGRESS_CONNECTED_NS,
    PROGRESS_FINISHED_NS,
    PROGRESS_HEARTBEAT_NS,
    PROGRESS_PHASE,
    SharedRegion,
)
from surgewire.engine.sources import source_addresses
from surgewire.plan.models import ConnectPlan, EchoPlan, Plan
from surgewire.release import release

_HEARTBEAT_S = 0.25
_DRAIN_CHECK_S = 0.02
# How long all must have been delivered before the drain ends: duplicates get time to show.
_QUIET_S = 0.2
_NO_MARKER = Template((("marker",),))
# The ledger's windows cover a stall of this long at the planned rate.
_WINDOW_S = 60
_MIN_WINDOW_BITS = 128
_MAX_WINDOW_BITS = 1 << 20


def window_bits(plan: Plan) -> int:
    """Return how many messages of one user the ledger can tell apart, a power of two."""
    if not isinstance(plan, EchoPlan) or plan.rate is None:
        return _MIN_WINDOW_BITS
    in_flight = int(plan.rate.per_s * _WINDOW_S)
    return min(max(_MIN_WINDOW_BITS, 1 << in_flight.bit_length()), _MAX_WINDOW_BITS)


class Worker:
    """The work of one process, driven by control messages (see docs/design.md, Engine)."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        worker: int,
        plan: Plan,
        region: SharedRegion,
        control: ControlChannel,
        run_tag: int,
    ) -> None:
        """Set up everything that a run needs, before its clock starts."""
        self._loop = loop
        self._plan = plan
        self._counts = region.slice(worker)
        self._control = control
        self._users = range(worker, plan.connections, region.workers)
        reads = isinstance(plan, EchoPlan) and poller.AVAILABLE
        self._poller = Poller(loop) if reads else None
        self._traffic = self._make_traffic(worker, run_tag)
        self._buffer = ReceiveBuffer()
        self._request = UpgradeRequest(parse_uri(plan.target.url), f"surgewire/{release()}")
        self._witnesses = plan.witness if isinstance(plan, EchoPlan) else 0
        self._connector = Connector(
            loop,
            plan,
            self._counts,
            region.gauge,
            self._users,
            source_addresses(plan),
            ssl.create_default_context() if plan.target.secure else None,
            make=self._make_connection,
            on_opened=self._opened,
            on_ended=self._ended,
            on_settled=self._settled,
        )
        self._defect: BaseException | None = None
        self._sending: asyncio.Task[None] | None = None
        self._enough = asyncio.Event()
        self.finished = False
        """Whether the run came to its end, reported to the supervisor."""

    def run(self) -> None:
        """Report ready and serve the supervisor until the run is over or the supervisor is gone."""
        self._loop.set_exception_handler(self._on_exception)
        # What is raised within the native core's reading and sending arrives there.
        sys.unraisablehook = self._on_unraisable
        self._loop.add_reader(self._control.fileno(), self._hear)
        self._beat()
        self._phase("ready")
        self._control.send({"t": "ready"})
        self._loop.run_forever()
        if self._defect is not None:
            raise self._defect

    def _on_exception(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End on a defect of our own: figures that go on without it could not be believed.

        Errors of sockets and of TLS are the connections' matter, which tell of their ends.
        """
        error = context.get("exception")
        if error is None or isinstance(error, (OSError, ssl.SSLError)):
            return
        self._defect = error
        self._loop.stop()

    def _on_unraisable(self, unraisable: "sys.UnraisableHookArgs") -> None:
        if unraisable.exc_value is not None:
            self._on_exception(self._loop, {"exception": unraisable.exc_value})

    # The conversation.

    def _hear(self) -> None:
        for message in self._control.receive():
            self._obey(message)
        if self._control.ended:
            # The supervisor is gone: nobody is left to report to.
            self._loop.stop()

    def _obey(self, message: Message) -> None:
        actions: dict[str, Callable[[Message], None]] = {
            "start": self._start,
            "send": self._send,
            "drain": self._drain,
            "abort": self._abort,
        }
        actions[message["t"]](message)

    def _start(self, message: Message) -> None:
        self._phase("connecting")
        self._connector.start(message["at_ns"])

    def _settled(self) -> None:
        # What has been set up stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        self._counts.progress[PROGRESS_CONNECTED_NS] = now_ns()
        self._phase("connected")
        self._control.send({"t": "connected"})

    def _send(self, message: Message) -> None:
        if self._sending is None:
            self._sending = self._loop.create_task(self._carry_out(message["at_ns"]))

    def _drain(self, _message: Message) -> None:
        self._connector.stop()
        self._enough.set()
        if self._sending is None:
            self._sending = self._loop.create_task(self._finish())

    def _abort(self, _message: Message) -> None:
        if self._sending is not None:
            self._sending.cancel()
        self._traffic.finish(drained=False)
        self._connector.stop()
        self._connector.abort_all()
        self._report_finished()

    # The run.

    async def _carry_out(self, at_ns: int) -> None:
        self._phase("sending")
        if isinstance(self._plan, EchoPlan):
            measure_ns = at_ns + self._plan.warmup_ns
            end_ns = measure_ns + self._plan.duration_ns
            self._traffic.start(at_ns, measure_ns, end_ns)
        else:
            assert isinstance(self._plan, ConnectPlan)
            end_ns = at_ns + self._plan.hold_ns
        await self._until(end_ns)
        await self._finish()

    async def _until(self, instant_ns: int) -> None:
        """Wait for an instant, for the word to drain, or until no connection is left."""
        if self._connector.open_now == 0:
            return
        wait_s = max(0, instant_ns - now_ns()) / 1e9
        with suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), wait_s)

    async def _finish(self) -> None:
        self._phase("draining")
        if isinstance(self._plan, EchoPlan):
            deadline_ns = now_ns() + self._plan.drain_ns
            await self._catch_up(deadline_ns)
            self._traffic.stop()
            await self._wait_for_deliveries(deadline_ns)
        self._traffic.finish(drained=True)
        await self._connector.close_all()
        self._report_finished()

    async def _catch_up(self, deadline_ns: int) -> None:
        """Let messages leave that were planned and are late, unless told to stop."""
        while self._traffic.behind and not self._enough.is_set() and now_ns() < deadline_ns:
            await asyncio.sleep(_DRAIN_CHECK_S)

    async def _wait_for_deliveries(self, deadline_ns: int) -> None:
        quiet_s = 0.0
        while now_ns() < deadline_ns and quiet_s < _QUIET_S and self._connector.open_now:
            await asyncio.sleep(_DRAIN_CHECK_S)
            quiet_s = quiet_s + _DRAIN_CHECK_S if self._traffic.outstanding == 0 else 0.0

    def _report_finished(self) -> None:
        if self.finished:
            return
        self.finished = True
        self._counts.progress[PROGRESS_FINISHED_NS] = now_ns()
        self._phase("finished")
        self._control.send({"t": "finished"})
        self._connector.shut()
        self._traffic.close()
        if self._poller is not None:
            self._poller.close()
        self._loop.stop()

    def _phase(self, name: str) -> None:
        self._counts.progress[PROGRESS_PHASE] = PHASES.index(name)

    def _beat(self) -> None:
        self._counts.progress[PROGRESS_HEARTBEAT_NS] = now_ns()
        self._loop.call_later(_HEARTBEAT_S, self._beat)

    # Connections.

    def _make_traffic(self, worker: int, run_tag: int) -> Traffic:
        plan = self._plan
        template, schedule, deadline_ns = _NO_MARKER, None, 0
        if isinstance(plan, EchoPlan):
            template, schedule = plain_text(plan.size_bytes), message_schedule(plan)
            deadline_ns = plan.deadline_ns
        histograms = self._counts.histograms
        return Traffic(
            self._loop,
            Ledger(len(self._users), window_bits(plan), self._counts.ledger),
            schedule,
            self._counts.traffic,
            histograms["message_latency"],
            histograms["service_time"],
            histograms["send_lag"],
            histograms["loop_lag"],
            run=run_tag,
            worker=worker,
            template=template,
            deadline_ns=deadline_ns,
            poller=self._poller,
        )

    def _make_connection(self, owner: Connector, user: int) -> Connection:
        return EchoUser(
            self._buffer,
            owner,
            ClientUpgrade(self._request),
            self._traffic,
            user,
            tls=self._plan.target.secure,
            max_message_bytes=self._plan.max_message_bytes,
            poller=self._poller,
        )

    def _opened(self, connection: Connection) -> None:
        if self._witnesses == 0 or connection.fileno() < 0:
            return
        self._witnesses -= 1
        words = self._counts.histograms
        with suppress(OSError):
            connection.observe(
                Witness(connection.fileno(), words["witness_receive"], words["witness_send"])
            )

    def _ended(self, connection: Connection) -> None:
        assert isinstance(connection, EchoUser)
        self._traffic.cut_off(connection)
        if self._sending is not None and self._connector.open_now == 0:
            self._enough.set()


def message_schedule(plan: EchoPlan) -> Schedule | None:
    """Return when each user sends; None in the closed model."""
    if plan.rate is None:
        return None
    kind = Schedule.poisson if plan.poisson else Schedule.constant
    options = {"seed": plan.seed} if plan.poisson else {}
    schedule: Schedule = kind(
        plan.connections, plan.rate.count, plan.rate.per_ns, tick_ns=plan.tick_ns, **options
    )
    return schedule


def worker_main(
    worker: int, plan: Plan, region: SharedRegion, control: socket.socket, run_tag: int
) -> int:
    """Do the work of worker number `worker` in a forked process; return its exit code.

    control: the worker's end of its socket to the supervisor. run_tag: the 30-bit number that marks
    this run's messages.
    """
    # The supervisor speaks to the user; a library's warnings would tear its display.
    logging.disable(logging.ERROR)
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    channel = ControlChannel(control)
    work = Worker(loop, worker, plan, region, channel, run_tag)
    work.run()
    channel.close()
    return 0 if work.finished else 1
