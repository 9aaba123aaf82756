"""An embedded target in a process of its own: the echo target, unless told otherwise."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READY = "listening on "


def arguments(*options: str, kind: str = "echo") -> list[str]:
    """Return the command that serves on a free port, unless `options` name one."""
    return [sys.executable, "-m", "surgewire", "serve", kind, "--port", "0", *options]


def start(*options: str, kind: str = "echo") -> "subprocess.Popen[str]":
    """Start `surgewire serve KIND` with `options`."""
    return subprocess.Popen(
        arguments(*options, kind=kind),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def url_of(server: "subprocess.Popen[str]") -> str:
    """Return the URL once the server listens."""
    assert server.stdout is not None
    for line in server.stdout:
        if READY in line:
            return line.partition(READY)[2].split()[0]
    assert server.stderr is not None
    raise AssertionError(server.stderr.read())


@contextmanager
def serving(*options: str, kind: str = "echo") -> Iterator[str]:
    """Serve, give the URL, stop, and see that all went well."""
    server = start(*options, kind=kind)
    try:
        yield url_of(server)
        server.send_signal(signal.SIGTERM)
        out, err = server.communicate(timeout=20)
        assert (server.returncode, err) == (0, ""), out + err
    finally:
        server.kill()
        server.communicate()
