"""Signals to a run from the command line: what was measured up to then is kept and told."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import surgewire
from surgewire.engine.run import load_run
from surgewire.errors import SurgewireError
from tests.integration.conftest import Farm, eventually

USERS = 4
PROMPTLY_S = 10.0


class Command:
    """A run from the command line, in a process group of its own."""

    def __init__(self, runs_dir: Path, *arguments: str) -> None:
        self.runs_dir = runs_dir
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "surgewire", *arguments,
                "--processes", "2", "--runs-dir", str(runs_dir), "--json", "-",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip

    def wait_until(self, condition: Callable[[surgewire.Result], bool]) -> None:
        """Wait until what is in the journal fulfils a condition."""
        assert eventually(lambda: any(map(condition, self._so_far())))

    def wait_for(self, phase: str) -> None:
        """Wait until a phase has begun."""
        self.wait_until(
            lambda result: any(event.detail.get("phase") == phase for event in result.events)
        )

    def _so_far(self) -> list[surgewire.Result]:
        try:
            return [load_run(folder) for folder in self.runs_dir.iterdir()]
        except SurgewireError:
            # It has hardly begun.
            return []

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self, within_s: float = PROMPTLY_S) -> dict[str, Any]:
        """Wait for the end; return the result that was written."""
        began = time.monotonic()
        out, err = self.process.communicate(timeout=60)
        assert time.monotonic() - began < within_s
        assert "Traceback" not in err
        result: dict[str, Any] = json.loads(out)
        return result

    def clear_away(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Any]:
    commands = []

    def start(*arguments: str) -> Command:
        commands.append(Command(tmp_path, *arguments))
        return commands[-1]

    yield start
    for each in commands:
        each.clear_away()


def echo_options(url: str, **options: str) -> list[str]:
    given = {"connections": str(USERS), "rate": "50/s", "duration": "60s", "drain": "5s"}
    return ["echo", url, *(f"--{name}={value}" for name, value in (given | options).items())]


def whole(result: dict[str, Any]) -> dict[str, Any]:
    """Return the account, once it is seen to balance."""
    account: dict[str, Any] = result["delivery"]
    booked = ("delivered", "lost", "lost_to_disconnect", "undecided")
    assert account["expected"] == sum(account[name] for name in booked)
    connections = result["connections"]
    assert connections["attempted"] == connections["established"] + connections["failed"]
    return account


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_drains_and_reports(number: signal.Signals, target: str, command: Any) -> None:
    run = command(*echo_options(target))
    run.wait_for("sending")
    run.process.send_signal(number)
    result = run.end()
    assert run.process.returncode == 130
    account = whole(result)
    assert account["sent"] == account["delivered"] > 0
    assert result["verdict"]["status"] == "interrupted"
    assert number.name in result["verdict"]["reasons"][0]
    assert result["connections"]["closed"] == {}


def test_a_signal_to_the_whole_group_drains_as_well(target: str, command: Any) -> None:
    run = command(*echo_options(target))
    run.wait_for("sending")
    os.killpg(run.process.pid, signal.SIGINT)
    result = run.end()
    account = whole(result)
    assert run.process.returncode == 130
    assert account["sent"] == account["delivered"] > 0
    assert not [event for event in result["events"] if event["kind"] == "worker_died"]


def test_two_signals_report_at_once(farm: Farm, command: Any) -> None:
    port = farm.open("drops_all")
    run = command(*echo_options(f"ws://127.0.0.1:{port}/", drain="1h"))
    run.wait_for("sending")
    run.process.send_signal(signal.SIGINT)
    run.wait_for("draining")
    run.process.send_signal(signal.SIGINT)
    account = whole(run.end())
    assert run.process.returncode == 130
    assert account["in_flight_at_leave"] == account["sent"] > 0
    assert account["expected"] == account["lost"] == 0
    farm.close(port)


@pytest.mark.parametrize("behaviour", ["blackhole", "silent"])
def test_a_signal_while_connecting(behaviour: str, farm: Farm, command: Any) -> None:
    port = farm.open(behaviour)
    run = command(*echo_options(f"ws://127.0.0.1:{port}/", ramp="0s"))
    run.wait_until(lambda result: result.connections.attempted == USERS)
    run.process.send_signal(signal.SIGINT)
    result = run.end()
    whole(result)
    assert run.process.returncode == 130
    assert result["connections"]["errors"] == {"interrupted": USERS}
    farm.close(port)


def test_a_signal_while_holding(target: str, command: Any) -> None:
    run = command("connect", target, "--rate", "50/s", "--total", "10", "--hold", "60s")
    run.wait_for("holding")
    run.process.send_signal(signal.SIGINT)
    result = run.end()
    assert run.process.returncode == 130
    assert result["connections"]["established"] == 10
    assert result["connections"]["errors"] == result["connections"]["closed"] == {}


def test_a_killed_supervisor(target: str, command: Any) -> None:
    run = command(*echo_options(target))
    run.wait_until(lambda result: result.duration_s >= 2)
    workers = run.workers()
    assert len(workers) == 2
    run.process.kill()
    run.process.communicate()
    assert eventually(lambda: not any(map(runs, workers)), within_s=2.0)
    (folder,) = run.runs_dir.iterdir()
    report = subprocess.run(
        [sys.executable, "-m", "surgewire", "report", str(folder), "--json", "-"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert report.returncode == 0, report.stderr
    result = json.loads(report.stdout)
    account = whole(result)
    assert "journal_incomplete" in [doubt["code"] for doubt in result["doubts"]]
    assert result["verdict"]["status"] == "interrupted"
    # Up to the last whole second of sending: what was planned by then was counted.
    seconds = int(result["duration_s"])
    assert seconds >= 2
    assert account["planned"] >= 50 * USERS * seconds * 0.9
    assert account["delivered"] > 0
    assert result["metrics"]["message_latency"]["count"] == account["delivered"]


def runs(process: psutil.Process) -> bool:
    """Tell whether a process still runs; one that nobody has waited for has ended, too."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
