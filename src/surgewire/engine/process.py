"""Worker processes: how they are forked, told things, and found to have ended."""

import contextlib
import gc
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn, Protocol, TypeAlias

from surgewire.engine.control import ControlChannel
from surgewire.engine.shared import SharedRegion
from surgewire.engine.signals import become_worker, signals_held_back
from surgewire.errors import SurgewireError
from surgewire.plan.models import Plan
from surgewire.plan.secrets import Redactor

WorkerMain: TypeAlias = Callable[[int, Plan, SharedRegion, socket.socket, int], int]
"""What a forked child does: number, plan, region, control socket and run tag in, exit code out."""

CRASHED = 70
"""Exit code of a worker whose code raised (EX_SOFTWARE of sysexits.h)."""


class Closable(Protocol):
    """Something that a forked child must not keep open."""

    def close(self) -> None:
        """Close it."""


class WorkerProcess:
    """A forked worker as its supervisor sees it."""

    def __init__(self, worker: int, pid: int, channel: ControlChannel) -> None:
        """Stand for the process `pid`, a child of this one."""
        self.worker = worker
        self.pid = pid
        self.channel = channel
        self.pidfd = _open_pidfd(pid)
        """Readable once the process has ended; -1 where the system has no such thing."""
        self.ready = False
        self.connected = False
        self.finished = False
        self.status: int | None = None
        """What waitpid told; None while the process runs."""

    @property
    def name(self) -> str:
        """The worker and its process, for people."""
        return f"worker {self.worker} (process {self.pid})"

    @property
    def alive(self) -> bool:
        """Whether the process has not ended yet."""
        return self.status is None

    @property
    def signal_name(self) -> str | None:
        """The signal that ended the process, if one did."""
        if self.status is None or not os.WIFSIGNALED(self.status):
            return None
        number = os.WTERMSIG(self.status)
        try:
            return signal.Signals(number).name
        except ValueError:
            return f"SIG{number}"

    @property
    def exit_code(self) -> int | None:
        """The code with which the process ended of itself, if it did."""
        if self.status is None or not os.WIFEXITED(self.status):
            return None
        return os.WEXITSTATUS(self.status)

    def reap(self, *, wait: bool = False) -> bool:
        """Find out whether the process has ended, or wait until it has; True the first time."""
        if self.status is not None:
            return False
        try:
            pid, status = os.waitpid(self.pid, 0 if wait else os.WNOHANG)
        except ChildProcessError:
            # Somebody else in this process waited for all children; how it ended is lost.
            pid, status = self.pid, CRASHED << 8
        if pid == 0:
            return False
        self.status = status
        return True

    def kill(self) -> None:
        """End the process at once, also while it is stopped."""
        # A process that was not waited for keeps its id, so this cannot hit another one.
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close the descriptors; doing so twice is no error."""
        self.channel.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def fork_workers(
    plan: Plan,
    region: SharedRegion,
    worker_main: WorkerMain,
    *,
    run_tag: int,
    crash_dir: Path,
    inherited: Sequence[Closable] = (),
) -> list[WorkerProcess]:
    """Fork one worker for each slice of `region`, each with a control socket of its own.

    A child closes `inherited` and all that belongs to its siblings, so that the supervisor alone
    holds the supervisor's ends. What a worker raises goes to a file in `crash_dir`. Raises
    SurgewireError when the system refuses a process; then none is left.
    """
    workers: list[WorkerProcess] = []
    # What is frozen is never looked at by the collector, so its pages stay shared.
    gc.collect()
    gc.freeze()
    try:
        for number in range(region.workers):
            crash = crash_dir / crash_name(number)
            job = partial(_work, worker_main, number, plan, region, run_tag)
            start = partial(_start, number, job, partial(_leave_crash, crash, plan))
            workers.append(start((*workers, *inherited)))
    except OSError as error:
        end_workers(workers)
        raise SurgewireError(
            f"worker {len(workers)} of {region.workers} cannot be started: {error.strerror}; "
            "use a lower `--processes`"
        ) from error
    finally:
        gc.unfreeze()
    return workers


def _work(
    worker_main: WorkerMain,
    number: int,
    plan: Plan,
    region: SharedRegion,
    run_tag: int,
    control: socket.socket,
) -> int:
    return worker_main(number, plan, region, control, run_tag)


def _start(
    number: int,
    job: Callable[[socket.socket], int],
    leave_crash: Callable[[], None],
    inherited: Sequence[Closable],
) -> WorkerProcess:
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            pid = _fork()
        except OSError:
            ours.close()
            raise
        if pid == 0:
            _become(partial(job, theirs), leave_crash, (ours, *inherited))
    return WorkerProcess(number, pid, ControlChannel(ours))


def end_workers(workers: Sequence[WorkerProcess]) -> None:
    """Kill what still runs, wait for it, close what belongs to it."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.reap(wait=True)
        worker.close()


def crash_name(worker: int) -> str:
    """Return the name of the file in which a worker leaves what it raised."""
    return f"worker-{worker}-crash.txt"


def _fork() -> int:
    # Else what waits in these buffers would be written twice.
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            stream.flush()
    with signals_held_back(), warnings.catch_warnings():
        # Libraries for numbers keep threads that know about fork; Python warns of any thread.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
        if pid == 0:
            become_worker()
    return pid


def _leave_crash(path: Path, plan: Plan) -> None:
    """Write down what is being handled, secrets of the plan left out."""
    secrets = Redactor(plan.secret_values())
    path.write_text(secrets.redact(traceback.format_exc()), encoding="utf-8")


def _become(
    work: Callable[[], int], leave_crash: Callable[[], None], inherited: Sequence[Closable]
) -> NoReturn:
    """Do `work` and end, in a forked child: its caller's stack must never go on in it."""
    code = CRASHED
    try:
        for thing in inherited:
            thing.close()
        code = work()
    except BaseException:
        with contextlib.suppress(OSError):
            leave_crash()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(AttributeError, OSError, ValueError):
                stream.flush()
        os._exit(code)
