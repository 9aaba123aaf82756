"""The embedded target as processes: how they start, share a port and end."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from websockets.sync.client import connect

from tests.integration.conftest import eventually
from tests.integration.target import arguments, start, url_of


class Target:
    """A target that has been started, and what is known of its processes."""

    def __init__(self, *options: str) -> None:
        self.process = start(*options)
        self.url = url_of(self.process)
        self.port = int(self.url.rstrip("/").rpartition(":")[2])
        self.children = psutil.Process(self.process.pid).children()

    def end(self, number: signal.Signals | None = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, unless told not to; return the exit code and the complaints."""
        if number is not None:
            self.process.send_signal(number)
        _, err = self.process.communicate(timeout=20)
        assert eventually(lambda: not any(map(runs, self.children)))
        return self.process.returncode, err


def runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def target() -> Iterator[Any]:
    targets: list[Target] = []

    def begin(*options: str) -> Target:
        targets.append(Target(*options))
        return targets[-1]

    yield begin
    for each in targets:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all(processes: int, number: signal.Signals, target: Any) -> None:
    served = target("--processes", str(processes))
    assert len(served.children) == processes
    with connect(served.url) as client:
        client.send("hello")
        assert client.recv() == "hello"
        assert served.end(number) == (0, "")


def test_a_signal_to_the_whole_group_ends_all(target: Any) -> None:
    served = target("--processes", "2")
    os.killpg(served.process.pid, signal.SIGINT)
    assert served.end(None) == (0, "")


def test_children_end_with_their_parent(target: Any) -> None:
    served = target("--processes", "2")
    served.end(signal.SIGKILL)


def test_one_that_is_killed_takes_the_others_along(target: Any) -> None:
    served = target("--processes", "3")
    served.children[1].kill()
    code, complaint = served.end(None)
    assert code == 1
    assert complaint == "surgewire: error: 1 of the target's 3 processes failed\n"


def test_one_that_is_stopped_goes_on_later(target: Any) -> None:
    served = target()
    served.children[0].suspend()
    assert eventually(lambda: served.children[0].status() == psutil.STATUS_STOPPED)
    served.children[0].resume()
    with connect(served.url) as client:
        client.send("still there?")
        assert client.recv() == "still there?"
    assert served.end() == (0, "")


def test_processes_share_the_connections(target: Any) -> None:
    served = target("--processes", "2")
    with contextlib.ExitStack() as clients:
        for _ in range(40):
            clients.enter_context(connect(served.url))
        held = [child.num_fds() for child in served.children]

    def shares() -> list[int]:
        return [then - c.num_fds() for then, c in zip(held, served.children, strict=True)]

    assert eventually(lambda: sum(shares()) == 40)
    assert min(shares()) > 0


@pytest.mark.parametrize("held", ["by one process", "by several"])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_port_in_use_is_refused(held: str, processes: str, target: Any) -> None:
    served = target("--processes", "1" if held == "by one process" else "2")
    second = start("--processes", processes, "--port", str(served.port))
    out, err = second.communicate(timeout=20)
    assert (second.returncode, out) == (1, "")
    assert err == (
        f"surgewire: error: cannot listen on 127.0.0.1 port {served.port}: Address already in use; "
        "choose another --host or --port (0 takes a free one)\n"
    )


def test_a_port_is_free_again_at_once(target: Any) -> None:
    served = target()
    with connect(served.url):
        # The server closes first, so its end of the connection lingers in TIME_WAIT.
        served.end()
    again = target("--port", str(served.port))
    assert again.url == served.url


@pytest.mark.parametrize("host", ["::1", "localhost", "0.0.0.0"])
def test_other_addresses(host: str, target: Any) -> None:
    if host == "::1" and not socket.has_ipv6:
        pytest.skip("this system has no IPv6")
    served = target("--host", host, "--processes", "2")
    with connect(served.url) as client:
        client.send("hello")
        assert client.recv() == "hello"


def test_an_address_that_is_not_ours(tmp_path: Path) -> None:
    server = start("--host", "192.0.2.1")
    _, err = server.communicate(timeout=20)
    assert server.returncode == 1
    assert "cannot listen on 192.0.2.1 port 0" in err
    assert err.count("\n") == 1


def test_nobody_reads_what_is_printed() -> None:
    """A reader that leaves does not leave processes behind."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        server = subprocess.run(
            arguments(), stdout=closed, stderr=subprocess.PIPE, text=True, timeout=20,
            check=False,
        )  # fmt: skip
    assert server.returncode == 1
    assert "Traceback" not in server.stderr
