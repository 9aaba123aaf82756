import os
import signal
import subprocess
import sys
import time
from collections import namedtuple

import pytest

from surgewire.engine import watch
from surgewire.engine.vitals import Vitals, read_pss
from surgewire.engine.watch import MachineWatch, clock_offset_ns, steal_percent

Times = namedtuple("Times", "user idle steal guest")
NoSteal = namedtuple("NoSteal", "user idle")


@pytest.mark.parametrize(
    ("before", "now", "percent"),
    [
        (Times(0, 0, 0, 0), Times(50, 40, 10, 999), 10.0),
        (Times(5, 5, 5, 5), Times(5, 5, 5, 5), 0.0),
        (Times(1, 1, 1, 0), Times(2, 1, 2, 0), 50.0),
        (NoSteal(0, 0), NoSteal(5, 5), 0.0),
    ],
)
def test_share_of_stolen_time(before, now, percent):
    assert steal_percent(before, now) == pytest.approx(percent)


@pytest.fixture
def stage(monkeypatch):
    state = {"cpu": Times(0, 0, 0, 0), "offset": 0}
    monkeypatch.setattr(watch.psutil, "cpu_times", lambda: state["cpu"])
    monkeypatch.setattr(watch, "clock_offset_ns", lambda: state["offset"])
    return state


def test_steal_beyond_five_percent_is_told(stage):
    found = MachineWatch()
    stage["cpu"] = Times(95, 0, 5, 0)
    assert found.take() == []
    stage["cpu"] = Times(189, 0, 11, 0)
    assert found.take() == [("steal", {"percent": 6.0})]
    assert found.take() == []


@pytest.mark.parametrize("step_ms", [11.5, -3_600_000.0])
def test_a_step_of_the_wall_clock_is_told_once(stage, step_ms):
    found = MachineWatch()
    stage["offset"] += int(step_ms * 1e6)
    assert found.take() == [("clock_step", {"step_ms": step_ms})]
    assert found.take() == []


def test_slow_adjustment_is_no_step(stage):
    found = MachineWatch()
    for _ in range(10):
        stage["offset"] += 9_000_000
        assert found.take() == []


def test_the_real_clocks_keep_their_distance():
    assert abs(clock_offset_ns() - clock_offset_ns()) < 5_000_000


BUSY = """
import sys, time
block = bytearray(40 << 20)
sys.stdout.write("on"); sys.stdout.flush()
end = time.process_time() + 0.4
while time.process_time() < end: pass
sys.stdout.write("ff"); sys.stdout.flush()
time.sleep(60)
"""


class Busy:
    worker = 3

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", BUSY], stdout=subprocess.PIPE)
        self.pid = self.process.pid
        assert self.process.stdout.read(2) == b"on"

    @property
    def alive(self):
        return self.process.returncode is None

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def busy():
    process = Busy()
    yield process
    if process.alive:
        process.end()


def test_cpu_and_memory_are_those_of_the_process(busy):
    began_ns = time.monotonic_ns()
    vitals = Vitals([busy], lambda worker: 10 * worker)
    assert busy.process.stdout.read(2) == b"ff"
    now_ns = time.monotonic_ns()
    [sample] = vitals.take(now_ns)
    cpu_ms = sample.cpu_percent / 100 * (now_ns - began_ns) / 1e6
    assert 200 < cpu_ms < 450
    assert (sample.worker, sample.pid, sample.alive, sample.open) == (3, busy.pid, True, 30)
    assert 40 << 20 < sample.rss_bytes < 200 << 20
    assert sample.pss_bytes is None or 40 << 20 < sample.pss_bytes <= sample.rss_bytes + (4 << 20)
    [idle] = vitals.take(time.monotonic_ns() + 10**9)
    assert idle.cpu_percent < 20
    [brief] = vitals.take(time.monotonic_ns() + 10**9 + 10**7)
    assert brief.cpu_percent == idle.cpu_percent, "too short a time to say anything new"


def test_what_has_ended_uses_nothing(busy):
    vitals = Vitals([busy], lambda worker: 0)
    busy.end()
    [sample] = vitals.take(time.monotonic_ns())
    assert not sample.alive
    assert (sample.cpu_percent, sample.rss_bytes, sample.pss_bytes) == (0.0, 0, None)


def test_memory_of_a_process_that_is_gone_is_not_told(busy):
    busy.end()
    assert read_pss(busy.pid) is None
