"""One worker process: an event loop, its job, and the conversation with the supervisor."""

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

from surgewire._core.clock import now_ns
from surgewire.engine.control import ControlChannel, Message
from surgewire.engine.jobs.chat import ChatJob
from surgewire.engine.jobs.connect import ConnectJob
from surgewire.engine.jobs.echo import EchoJob
from surgewire.engine.jobs.job import Job
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.shared import (
    PHASES,
    PROGRESS_CONNECTED_NS,
    PROGRESS_FINISHED_NS,
    PROGRESS_HEARTBEAT_NS,
    PROGRESS_PHASE,
    SharedRegion,
)
from surgewire.plan.models import Plan

_HEARTBEAT_S = 0.25
_JOBS: dict[str, type[Job]] = {"chat": ChatJob, "connect": ConnectJob, "echo": EchoJob}


class Worker:
    """The work of one process, driven by control messages (see docs/design.md, Engine)."""

    def __init__(self, place: Workplace, control: ControlChannel) -> None:
        """Set up everything that a run needs, before its clock starts."""
        self._loop = place.loop
        self._progress = place.counts.progress
        self._control = control
        self._job = _JOBS[place.plan.kind](place, self._settled)
        self._defect: BaseException | None = None
        self._running: asyncio.Task[None] | None = None
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
        self._job.start(message["at_ns"])

    def _settled(self) -> None:
        # What has been set up stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        self._progress[PROGRESS_CONNECTED_NS] = now_ns()
        if self._running is None:
            self._phase("connected")
        self._control.send({"t": "connected"})

    def _send(self, message: Message) -> None:
        if self._running is None:
            self._running = self._loop.create_task(self._carry_out(message["at_ns"]))

    def _drain(self, _message: Message) -> None:
        self._job.stop()
        self._job.enough.set()
        if self._running is None:
            self._running = self._loop.create_task(self._finish())

    def _abort(self, _message: Message) -> None:
        if self._running is not None:
            self._running.cancel()
        self._job.abort()
        self._report_finished()

    # The run.

    async def _carry_out(self, at_ns: int) -> None:
        self._phase("sending")
        await self._until(self._job.begin(at_ns))
        await self._finish()

    async def _until(self, instant_ns: int) -> None:
        """Wait for an instant, for the word to drain, or until no connection is left."""
        if self._job.deserted:
            return
        wait_s = max(0, instant_ns - now_ns()) / 1e9
        with suppress(TimeoutError):
            await asyncio.wait_for(self._job.enough.wait(), wait_s)

    async def _finish(self) -> None:
        self._phase("draining")
        await self._job.drain()
        await self._job.finish()
        self._report_finished()

    def _report_finished(self) -> None:
        if self.finished:
            return
        self.finished = True
        self._progress[PROGRESS_FINISHED_NS] = now_ns()
        self._phase("finished")
        self._job.close()
        for text in self._job.notes:
            self._control.send({"t": "note", "text": text})
        self._control.send({"t": "finished"})
        self._loop.stop()

    def _phase(self, name: str) -> None:
        self._progress[PROGRESS_PHASE] = PHASES.index(name)

    def _beat(self) -> None:
        self._progress[PROGRESS_HEARTBEAT_NS] = now_ns()
        self._loop.call_later(_HEARTBEAT_S, self._beat)


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
    work = Worker(Workplace(loop, worker, plan, region, run_tag), channel)
    work.run()
    channel.close()
    return 0 if work.finished else 1
