import os
import subprocess
import sys
import time

import psutil
import pytest

from surgewire.engine import target_meter
from surgewire.engine.target_meter import TargetMeter
from surgewire.errors import SurgewireError, UsageError
from tests.integration.conftest import eventually

# Says when it holds its memory, uses the CPU when asked to, ends with its standard input.
SERVER = """
import subprocess, sys, time
block = bytearray(b"x") * (30 << 20)
if len(sys.argv) > 1:
    child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=sys.stdin)
    child.wait()
else:
    print("ready", flush=True)
    for line in sys.stdin:
        end = time.process_time() + 0.5
        while time.process_time() < end: pass
        print("done", flush=True)
"""


@pytest.fixture
def server():
    """Give a process with a child; each holds 30 MB, and the child works when asked to."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.close()
        process.kill()


def test_children_count_as_the_target(server):
    meter = TargetMeter(server.pid)
    began_ns = time.monotonic_ns()
    server.stdin.write(b"work\n")
    server.stdin.flush()
    assert server.stdout.readline() == b"done\n"
    now_ns = time.monotonic_ns()
    sample = meter.take(now_ns)
    assert (sample.pid, sample.alive) == (server.pid, True)
    assert 300 < sample.cpu_percent / 100 * (now_ns - began_ns) / 1e6 < 700
    assert 60 << 20 < sample.rss_bytes < 150 << 20
    idle = meter.take(now_ns + 10**9)
    assert idle.cpu_percent < 10
    brief = meter.take(now_ns + 10**9 + 10**7)
    assert brief.cpu_percent == idle.cpu_percent, "too short a time to say anything new"


def test_a_child_that_came_later_counts_from_its_beginning(server, monkeypatch):
    meter = TargetMeter(server.pid)
    meter._cpu_s = {meter._process: 0.25}
    before, child = meter._process, psutil.Process()
    monkeypatch.setattr(meter, "_read", lambda: ({before: 0.5, child: 0.5}, 1))
    assert meter.take(meter._at_ns + 10**9).cpu_percent == 75.0


def test_a_target_that_ends_stays_gone(server):
    meter = TargetMeter(server.pid)
    server.kill()
    # Nobody has waited for it yet: it still has its id.
    assert eventually(lambda: not meter.take(time.monotonic_ns()).alive)
    server.wait()
    sample = meter.take(time.monotonic_ns())
    assert (sample.pid, sample.alive) == (server.pid, False)
    assert (sample.cpu_percent, sample.rss_bytes) == (0.0, 0)


def test_another_process_of_the_same_id_is_not_the_target(server, monkeypatch):
    meter = TargetMeter(server.pid)
    assert meter.take(time.monotonic_ns()).alive
    monkeypatch.setattr(psutil.Process, "_get_ident", lambda self: (self.pid, 1.0), raising=False)
    assert not meter.take(time.monotonic_ns()).alive


def test_who_is_no_target_is_refused():
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for pid in (gone.pid, 2**40):
        with pytest.raises(UsageError, match=f"no process has the id {pid}"):
            TargetMeter(pid)
    for pid in (os.getpid(), os.getppid()):
        with pytest.raises(UsageError, match="started this run"):
            TargetMeter(pid)


def test_who_may_not_be_looked_at_is_refused(server, monkeypatch):
    def refuse(process):
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(target_meter, "_usage", refuse)
    with pytest.raises(SurgewireError, match="another user's") as raised:
        TargetMeter(server.pid)
    assert raised.value.exit_code == 1
