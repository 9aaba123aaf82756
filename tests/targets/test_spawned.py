import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from surgewire.errors import SurgewireError
from surgewire.targets.spawned import most_connections, spawned_echo


def test_the_server_answers_and_is_gone_afterwards() -> None:
    with spawned_echo() as url, connect(url) as client:
        client.send("hello")
        assert client.recv(timeout=5) == "hello"
    with pytest.raises(ConnectionRefusedError):
        connect(url)


def test_the_server_is_stopped_when_the_run_fails() -> None:
    target = spawned_echo()
    url = target.__enter__()
    assert not target.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    with pytest.raises(ConnectionRefusedError):
        connect(url)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")
def test_the_server_does_not_outlive_a_killed_demonstration() -> None:
    code = (
        "import sys, time; from surgewire.targets.spawned import spawned_echo\n"
        "with spawned_echo() as url: print(url, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        url = demo.stdout.readline().strip()
        os.kill(demo.pid, signal.SIGKILL)
        demo.wait()
    address = urlsplit(url)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address.hostname, address.port), timeout=5).close()
        except OSError:
            return
        time.sleep(0.02)
    pytest.fail(f"{url} still answers")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'surgewire: error: no port' >&2", "did not start: no port"),
        ("exit 0", "did not start: it said nothing"),
        ("exec sleep 60", "did not start: it said nothing"),
    ],
)
def test_a_server_that_does_not_come_up_is_told_of(
    script: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr("surgewire.targets.spawned.START_TIMEOUT_S", 1.0)
    with pytest.raises(SurgewireError, match=said), spawned_echo():
        pass


def test_there_is_room_for_some_connections() -> None:
    assert most_connections() >= 1
