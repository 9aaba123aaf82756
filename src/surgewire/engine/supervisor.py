"""The process that forked the workers: starts them together, watches them, merges, ends them.

One thread, one selector: nothing here can be in two places at once.
"""

import contextlib
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import TypeAlias

from surgewire.engine.abort import AbortWatch
from surgewire.engine.casualty import book_death
from surgewire.engine.chronicle import Chronicle
from surgewire.engine.control import ControlChannel, ControlError, Message
from surgewire.engine.process import CRASHED, WorkerProcess, crash_name
from surgewire.engine.recorder import Recorder
from surgewire.engine.shared import GAUGE_OPEN, PROGRESS_ESTABLISHED_NS, SharedRegion
from surgewire.engine.signals import STOP_SIGNALS, SignalInbox
from surgewire.engine.target_meter import TargetMeter
from surgewire.engine.timetable import (
    Patience,
    close_bound_ns,
    connect_bound_ns,
    drain_ns,
    phases_after_connecting,
)
from surgewire.plan.models import ChatPlan, Plan

_TICK_NS = 250_000_000
# From a message to the instant that it names, for all workers to get it.
_START_LEAD_NS = 50_000_000
_SEND_LEAD_NS = 100_000_000
# Ctrl-Z, a debugger, a terminal that takes no output.
_STANDSTILL_NS = 1_000_000_000
_NEVER = 2**63 - 1
_NOTE_LENGTH = 500

_Source: TypeAlias = SignalInbox | ControlChannel | int


class Stage(Enum):
    """What all workers are waited for; the value says what one that overstays did not do."""

    STARTING = "get ready"
    CONNECTING = "get an outcome for each attempt"
    RUNNING = "finish"
    STOPPING = "stop"


class Supervisor:
    """Takes forked workers through a run, from ready to ended."""

    def __init__(
        self,
        plan: Plan,
        region: SharedRegion,
        workers: Sequence[WorkerProcess],
        recorder: Recorder,
        signals: SignalInbox,
        patience: Patience | None = None,
        meter: TargetMeter | None = None,
    ) -> None:
        """Take over `workers`, which count in `region` and were just forked.

        meter: of the target's process, where that can be watched.
        """
        self._plan = plan
        self._region = region
        self._workers = workers
        self._recorder = recorder
        self._signals = signals
        self._patience = patience or Patience()
        self._chronicle = Chronicle(region, workers, recorder, meter)
        self._selector = selectors.DefaultSelector()
        self._stage = Stage.STARTING
        self._next_tick_ns = time.monotonic_ns()
        self._deadline_ns = self._next_tick_ns + self._patience.ready_ns
        self._agenda: list[tuple[int, str]] = []
        self._exit_by_ns: dict[int, int] = {}
        self._connecting = False
        self._abort_watch = AbortWatch(plan.abort_on, region, plan.connections)
        self._interrupted = False
        self._stopped_by_rule = False
        self._aborted = False

    def run(self) -> None:
        """Supervise until every worker has ended; the last record says how the run ended."""
        with self._selector:
            self._listen(self._signals, self._on_signals)
            for worker in self._workers:
                self._listen(worker.channel, partial(self._on_control, worker))
                if worker.pidfd >= 0:
                    self._listen(worker.pidfd, partial(self._on_exit, worker))
            while self._living():
                self._step()
        self._chronicle.end(self._reason())

    def _listen(self, source: _Source, handler: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, handler)

    def _forget(self, source: _Source) -> None:
        # What is closed or forgotten already is no longer known, and that is all we want.
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(source)

    def _step(self) -> None:
        for key, _ in self._selector.select(self._timeout_s()):
            key.data()
        for worker in self._living():
            # Without a pidfd, SIGCHLD or the next tick brings us here.
            if worker.pidfd < 0:
                self._on_exit(worker)
        now_ns = time.monotonic_ns()
        self._forgive(now_ns - self._next_tick_ns)
        if now_ns >= self._chronicle.due_ns:
            self._chronicle.sample(now_ns)
        while self._agenda and now_ns >= self._agenda[0][0]:
            self._chronicle.enter_phase(*self._agenda.pop(0))
        self._advance(now_ns)
        self._enforce(now_ns)
        if now_ns >= self._next_tick_ns:
            self._next_tick_ns = now_ns + _TICK_NS
            self._hold_rules(now_ns)
            self._recorder.tick()

    def _forgive(self, late_ns: int) -> None:
        """Give all more time after standing still, for it may be that the workers did as well."""
        if late_ns < _STANDSTILL_NS:
            return
        self._chronicle.note(f"the supervisor stood still for {late_ns / 1e9:.1f} s")
        self._deadline_ns = min(self._deadline_ns + late_ns, _NEVER)
        for worker in self._exit_by_ns:
            self._exit_by_ns[worker] += late_ns

    def _timeout_s(self) -> float:
        due = [self._next_tick_ns, self._deadline_ns, self._chronicle.due_ns]
        due += [instant for instant, _ in self._agenda[:1]]
        due += self._exit_by_ns.values()
        return max(min(due) - time.monotonic_ns(), 0) / 1e9

    def _on_control(self, worker: WorkerProcess) -> None:
        try:
            for message in worker.channel.receive():
                self._take_message(worker, message)
        except ControlError as error:
            self._kill(worker, f"sent nonsense ({error})")
            self._forget(worker.channel)
        if worker.channel.ended:
            self._forget(worker.channel)

    def _take_message(self, worker: WorkerProcess, message: Message) -> None:
        match message["t"]:
            case "ready":
                worker.ready = True
            case "connected":
                worker.connected = True
            case "note":
                self._chronicle.note(str(message.get("text", ""))[:_NOTE_LENGTH])
            case "finished" if not worker.finished:
                worker.finished = True
                self._exit_by_ns[worker.worker] = time.monotonic_ns() + self._patience.exit_ns

    def _on_exit(self, worker: WorkerProcess) -> None:
        if not worker.reap():
            return
        # Its last words may still be waiting.
        self._on_control(worker)
        self._forget(worker.channel)
        self._forget(worker.pidfd)
        worker.close()
        self._exit_by_ns.pop(worker.worker, None)
        if not worker.finished:
            self._bury(worker)
        if worker.exit_code == CRASHED:
            name = crash_name(worker.worker)
            self._chronicle.note(f"what ended {worker.name} is in {name} in the folder of the run")

    def _bury(self, worker: WorkerProcess) -> None:
        self._chronicle.event(
            "worker_died",
            worker=worker.worker,
            pid=worker.pid,
            signal=worker.signal_name,
            exit_code=worker.exit_code,
            connections=book_death(self._region, worker.worker),
        )

    def _on_signals(self) -> None:
        for number in self._signals.take():
            if number not in STOP_SIGNALS or all(worker.finished for worker in self._living()):
                continue
            if self._stage is not Stage.STOPPING:
                self._drain(number)
            elif number == signal.SIGINT and not self._aborted:
                self._abort()

    def _advance(self, now_ns: int) -> None:
        living = self._living()
        if not living:
            return
        if self._stage is Stage.STARTING and all(w.ready or w.finished for w in living):
            self._start(now_ns)
        elif self._connecting and all(w.connected or w.finished for w in living):
            self._connecting = False
            self._chronicle.enter_connected()
            if self._stage is not Stage.CONNECTING:
                return
            if self._has_a_future():
                self._send(now_ns + _SEND_LEAD_NS)
            else:
                # Nothing is open: whatever was planned from here on would be waiting for nothing.
                self._wind_up(now_ns)

    def _has_a_future(self) -> bool:
        """Tell whether anything is open, or may be again after having been."""
        if self._region.gauge[GAUGE_OPEN] > 0:
            return True
        if not isinstance(self._plan, ChatPlan) or self._plan.reconnect_min_ns is None:
            return False
        return any(part.progress[PROGRESS_ESTABLISHED_NS] for part in self._region.slices)

    def _start(self, now_ns: int) -> None:
        start_ns = now_ns + _START_LEAD_NS
        self._tell({"t": "start", "at_ns": start_ns})
        self._stage = Stage.CONNECTING
        self._deadline_ns = start_ns + connect_bound_ns(self._plan, self._patience)
        self._agenda = [(start_ns, "connecting")]
        self._chronicle.begin(start_ns)
        self._connecting = True
        if isinstance(self._plan, ChatPlan) and self._plan.send_during_ramp:
            self._send(start_ns)

    def _send(self, send_ns: int) -> None:
        self._tell({"t": "send", "at_ns": send_ns})
        phases = phases_after_connecting(self._plan, send_ns)
        self._stage = Stage.RUNNING
        self._deadline_ns = phases[-1][0] + close_bound_ns(self._plan, self._patience)
        self._agenda += phases
        self._chronicle.cut_at(instant for instant, _ in phases)

    def _drain(self, number: int) -> None:
        self._interrupted = True
        self._chronicle.event("stopping", signal=signal.Signals(number).name)
        self._wind_up(time.monotonic_ns())

    def _hold_rules(self, now_ns: int) -> None:
        """Stop for the target's sake once a rule of ``--abort-on`` is crossed."""
        if self._stage not in (Stage.CONNECTING, Stage.RUNNING):
            return
        crossing = self._abort_watch.crossing()
        if crossing is not None:
            self._stopped_by_rule = True
            self._chronicle.event("aborted", **crossing.to_dict())
            self._wind_up(now_ns)

    def _wind_up(self, now_ns: int) -> None:
        self._stage = Stage.STOPPING
        self._tell({"t": "drain"})
        close_ns = now_ns
        if self._chronicle.phase in ("warmup", "sending", "draining"):
            close_ns += drain_ns(self._plan)
        phases = [(now_ns, "draining")] if self._chronicle.phase in ("warmup", "sending") else []
        self._deadline_ns = close_ns + close_bound_ns(self._plan, self._patience)
        self._reschedule([*phases, (close_ns, "closing")])

    def _abort(self) -> None:
        self._aborted = True
        self._tell({"t": "abort"})
        now_ns = time.monotonic_ns()
        self._deadline_ns = now_ns + self._patience.abort_ns
        self._reschedule([] if self._chronicle.phase == "closing" else [(now_ns, "closing")])

    def _reschedule(self, phases: list[tuple[int, str]]) -> None:
        self._agenda = phases
        self._chronicle.cut_at(())

    def _enforce(self, now_ns: int) -> None:
        if now_ns >= self._deadline_ns:
            self._deadline_ns = _NEVER
            for worker in self._living():
                if not self._has_done(worker):
                    self._kill(worker, f"did not {self._stage.value} in time")
        for worker in self._living():
            if now_ns >= self._exit_by_ns.get(worker.worker, _NEVER):
                del self._exit_by_ns[worker.worker]
                self._kill(worker, "had finished but did not end")

    def _has_done(self, worker: WorkerProcess) -> bool:
        if self._stage is Stage.STARTING and worker.ready:
            return True
        if self._stage is Stage.CONNECTING and worker.connected:
            return True
        return worker.finished

    def _reason(self) -> str:
        if self._interrupted:
            return "interrupted"
        if self._stopped_by_rule:
            return "aborted"
        return "finished" if any(worker.finished for worker in self._workers) else "failed"

    def _living(self) -> list[WorkerProcess]:
        return [worker for worker in self._workers if worker.alive]

    def _tell(self, message: Message) -> None:
        for worker in self._living():
            if not worker.finished:
                worker.channel.send(message)

    def _kill(self, worker: WorkerProcess, why: str) -> None:
        self._chronicle.note(f"{worker.name} {why} and was killed")
        worker.kill()
