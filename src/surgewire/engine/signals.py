"""Signals as something that a selector can wait for."""

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None


class SignalInbox:
    """While entered, SIGINT, SIGTERM and SIGCHLD make `fileno()` readable and do nothing else.

    Python takes signals in its main thread only. In any other one the inbox stays empty, and
    whoever runs the main thread decides what a signal means.
    """

    def __init__(self) -> None:
        """Make the inbox; nothing is caught before it is entered."""
        self._inbox, self._outbox = socket.socketpair()
        self._inbox.setblocking(False)
        self._outbox.setblocking(False)
        self._handlers: dict[int, _Handler] = {}
        self._wakeup_fd = -1

    def __enter__(self) -> Self:
        """Start to catch signals."""
        if threading.current_thread() is threading.main_thread():
            self._wakeup_fd = signal.set_wakeup_fd(self._outbox.fileno(), warn_on_full_buffer=False)
            for number in (*STOP_SIGNALS, signal.SIGCHLD):
                # Python writes to the wake-up descriptor only where there is a handler.
                self._handlers[number] = signal.signal(number, _take_note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put back what was in place before."""
        for number, handler in self._handlers.items():
            # None stands for a handler that was not installed from Python: it cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if self._handlers:
            signal.set_wakeup_fd(self._wakeup_fd)
            self._handlers.clear()
        self.close()

    def fileno(self) -> int:
        """Return the descriptor to be watched for reading."""
        return self._inbox.fileno()

    def take(self) -> list[int]:
        """Return the numbers of the signals that came since the last call, in their order."""
        numbers: list[int] = []
        with contextlib.suppress(BlockingIOError, InterruptedError):
            while data := self._inbox.recv(4096):
                numbers += data
        return numbers

    def close(self) -> None:
        """Close the descriptors, as a forked child does with what it inherited."""
        self._inbox.close()
        self._outbox.close()


def _take_note(number: int, frame: FrameType | None) -> None:
    """Do nothing: the number is in the inbox already."""


def become_worker() -> None:
    """Forget, in a forked child, what the parent does on signals, and leave stopping to it.

    Ctrl-C, `timeout` and service managers signal whole groups of processes. Were a worker to end
    by that, nothing would be drained.
    """
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def signals_held_back() -> Iterator[None]:
    """Hold signals back while forking, so that none finds a child with its parent's handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*STOP_SIGNALS, signal.SIGCHLD))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
