"""Signals from outside: to the supervisor, to the whole group, and the kind nobody can catch."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surgewire.engine.run import load_run

ROOT = Path(__file__).parents[2]


class Program:
    """A run in a process and a group of its own, read line by line."""

    def __init__(self, work, runs_dir, **values):
        values = {"duration": "60s", "processes": 2} | values
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.program", work, str(runs_dir), json.dumps(values)],
            **self.surroundings(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.pids = []

    @staticmethod
    def surroundings():
        path = os.pathsep.join(p for p in sys.path if p)
        return {"cwd": ROOT, "env": {**os.environ, "PYTHONPATH": path}, "text": True}

    def wait_for(self, beginning):
        for line in self.process.stdout:
            if line.startswith("interval"):
                self.pids = json.loads(line.split(" ", 1)[1])
            if line.startswith(beginning):
                return line
        raise AssertionError(f"no {beginning!r}; it said {self.process.stderr.read()}")

    def result(self):
        result = json.loads(self.wait_for("result").split(" ", 1)[1])
        assert self.process.wait(10) == 0
        assert self.process.stderr.read() == ""
        return result

    def clear_away(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def program(tmp_path):
    started = []

    def start(work, **values):
        started.append(Program(work, tmp_path, **values))
        return started[-1]

    yield start
    for one in started:
        one.clear_away()


def wait_until_gone(pids, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(is_running(pid) for pid in pids):
            return
        time.sleep(0.02)
    raise AssertionError(f"{[pid for pid in pids if is_running(pid)]} still run")


def is_running(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    # An orphan that ended may wait as a zombie for whoever adopted it.
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whole_group", [False, True])
def test_one_signal_drains_and_reports(program, number, whole_group):
    run = program("good")
    run.wait_for('phase {"phase": "sending"}')
    (os.killpg if whole_group else os.kill)(run.process.pid, number)
    assert json.loads(run.wait_for("stopping").split(" ", 1)[1]) == {"signal": number.name}
    result = run.result()
    assert result["verdict"]["status"] == "interrupted"
    assert result["delivery"]["delivered"] == 6
    assert result["connections"]["closed"] == {}


def test_a_second_sigint_gives_up_at_once(program):
    run = program("deaf_to_drain", drain="60s")
    run.wait_for('phase {"phase": "sending"}')
    os.killpg(run.process.pid, signal.SIGINT)
    run.wait_for("stopping")
    began = time.monotonic()
    os.killpg(run.process.pid, signal.SIGINT)
    result = run.result()
    assert time.monotonic() - began < 5
    assert result["verdict"]["status"] == "interrupted"
    assert result["delivery"]["lost"] == 2
    assert result["connections"]["closed"] == {}


def test_a_second_sigterm_changes_nothing(program):
    run = program("deaf_to_drain", drain="60s")
    run.wait_for('phase {"phase": "sending"}')
    os.kill(run.process.pid, signal.SIGTERM)
    run.wait_for("stopping")
    os.kill(run.process.pid, signal.SIGTERM)
    run.wait_for("interval")
    run.wait_for("interval")
    os.kill(run.process.pid, signal.SIGINT)
    assert run.result()["delivery"]["lost"] == 2


def test_workers_that_do_not_give_up_are_killed(program):
    run = program("deaf", drain="60s")
    run.wait_for('phase {"phase": "sending"}')
    began = time.monotonic()
    os.kill(run.process.pid, signal.SIGINT)
    run.wait_for("stopping")
    os.kill(run.process.pid, signal.SIGINT)
    result = run.result()
    assert time.monotonic() - began < 6
    assert result["verdict"]["status"] == "interrupted"
    assert result["delivery"]["lost_to_disconnect"] == 2
    assert result["connections"]["closed"] == {"worker_died": 6}


def test_a_signal_before_anything_began(program):
    run = program("never_ready")
    run.wait_for('phase {"phase": "starting"}')
    os.kill(run.process.pid, signal.SIGINT)
    run.wait_for("stopping")
    os.kill(run.process.pid, signal.SIGINT)
    result = run.result()
    assert result["verdict"]["status"] == "interrupted"
    assert result["connections"]["attempted"] == 0


def test_workers_end_when_the_supervisor_is_killed(program, tmp_path):
    run = program("good", connections=9, processes=3)
    run.wait_for('phase {"phase": "sending"}')
    # The interval before the sending has no message yet.
    run.wait_for("interval")
    run.wait_for("interval")
    os.kill(run.process.pid, signal.SIGKILL)
    assert len(run.pids) == 3
    wait_until_gone(run.pids, 2)
    [folder] = tmp_path.iterdir()
    assert not (folder / "result.json").exists()
    result = load_run(folder)
    assert result.delivery.delivered == 9
    assert "journal_incomplete" in [doubt.code for doubt in result.doubts]


def test_a_killed_worker_leaves_its_siblings_alone(program):
    run = program("good", duration="2s")
    run.wait_for('phase {"phase": "sending"}')
    run.wait_for("interval")
    os.kill(run.pids[0], signal.SIGKILL)
    death = json.loads(run.wait_for("worker_died").split(" ", 1)[1])
    assert (death["worker"], death["signal"], death["connections"]) == (0, "SIGKILL", 3)
    result = run.result()
    assert result["connections"]["closed"] == {"worker_died": 3}
    assert result["verdict"]["status"] != "interrupted"


def test_sigterm_to_a_worker_is_left_to_the_supervisor(program):
    run = program("good", duration="1500ms")
    run.wait_for('phase {"phase": "sending"}')
    run.wait_for("interval")
    for pid in run.pids:
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    result = run.result()
    assert result["connections"]["closed"] == {}
    assert result["verdict"]["status"] != "interrupted"


def test_a_run_that_was_stopped_goes_on(program):
    run = program("good", duration="500ms", drain="0s", margin_ns=300_000_000)
    run.wait_for('phase {"phase": "sending"}')
    os.killpg(run.process.pid, signal.SIGSTOP)
    # Longer than the supervisor would wait.
    time.sleep(1.5)
    os.killpg(run.process.pid, signal.SIGCONT)
    assert "stood still" in run.wait_for("note")
    result = run.result()
    assert result["delivery"]["delivered"] == 6
    assert result["connections"]["closed"] == {}
