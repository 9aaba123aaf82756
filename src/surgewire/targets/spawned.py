"""An echo server for our own use: ``surgewire serve echo`` in a process of its own."""

import ctypes
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from surgewire.errors import SurgewireError

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 5.0
_READY = "listening on "
# Files that the server, or a worker, has open besides its connections.
_OTHER_FILES = 300
_PR_SET_PDEATHSIG = 1


def most_connections() -> int:
    """Return how many connections the one process of the server may accept."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if hard == resource.RLIM_INFINITY else max(1, hard - _OTHER_FILES)


@contextmanager
def spawned_echo() -> Iterator[str]:
    """Start the echo server on a free port of the loopback, give its URL, and stop it at the end.

    Raises SurgewireError when it does not come up, with its own words.
    """
    with tempfile.TemporaryFile("w+") as complaints:
        server = subprocess.Popen(
            [sys.executable, "-m", "surgewire", "serve", "echo", "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            # A session of its own keeps the terminal's Ctrl-C from it: a run that is being
            # drained still needs the server.
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        try:
            yield _wait_until_ready(server, complaints)
        finally:
            _stop(server)


def _wait_until_ready(server: "subprocess.Popen[str]", complaints: IO[str]) -> str:
    stdout = server.stdout
    assert stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    while (left := deadline - time.monotonic()) > 0 and select.select([stdout], [], [], left)[0]:
        line = stdout.readline()
        if not line:
            break
        if _READY in line:
            return line.partition(_READY)[2].split()[0]
    complaints.seek(0)
    said = " ".join(complaints.read().removeprefix("surgewire: error: ").split())
    raise SurgewireError(f"the echo server did not start: {said or 'it said nothing'}")


def _stop(server: "subprocess.Popen[str]") -> None:
    server.terminate()
    try:
        server.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    finally:
        if server.stdout is not None:
            server.stdout.close()


def _die_with_parent() -> None:
    """Ask Linux to end the server when this process is killed; elsewhere there is no such call."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
