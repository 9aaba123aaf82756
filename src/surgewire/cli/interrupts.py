"""What Ctrl-C means around a run."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def left_to_the_run() -> Iterator[None]:
    """Let Ctrl-C mean what the run makes of it while it goes on, and nothing once it is over.

    Whoever asks twice wants the report at once: the second signal may find the run already ended,
    and must not cost the report that is just being written. To be entered in the main thread.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def done_with() -> None:
    """Ignore Ctrl-C from now on: all is said, and the process is about to end with its code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
