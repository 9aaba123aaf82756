"""The real worker, with the test as its supervisor."""

import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surgewire._core import ledger, traffic
from surgewire.engine.process import CRASHED, WorkerProcess, end_workers, fork_workers
from surgewire.engine.shared import (
    PHASES,
    PROGRESS_CONNECTED_NS,
    PROGRESS_FINISHED_NS,
    PROGRESS_HEARTBEAT_NS,
    PROGRESS_PHASE,
    SharedRegion,
)
from surgewire.engine.worker import worker_main
from surgewire.plan.models import ConnectPlan, EchoPlan, Plan
from tests.integration.target import serving

MS = 1_000_000
S = 1_000_000_000
WITHIN_S = 10.0


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


class Worker:
    """A forked worker and the memory that it counts in."""

    def __init__(self, plan: Plan, crash_dir: Path) -> None:
        self.region = SharedRegion(1)
        self.part = self.region.slice(0)
        self.crash_dir = crash_dir
        self._heard: list[dict[str, Any]] = []
        (self.process,) = fork_workers(
            plan, self.region, worker_main, run_tag=7, crash_dir=crash_dir
        )

    def tell(self, kind: str, **values: Any) -> None:
        assert self.process.channel.send({"t": kind, **values})

    def hear(self) -> str:
        """Wait for the worker's next message."""
        deadline = time.monotonic() + WITHIN_S
        while not self._heard:
            assert select.select([self.process.channel], [], [], deadline - time.monotonic())[0]
            self._heard += self.process.channel.receive()
            assert self._heard or not self.process.channel.ended, "the worker has gone"
        return str(self._heard.pop(0)["t"])

    def connect(self) -> None:
        assert self.hear() == "ready"
        self.tell("start", at_ns=time.monotonic_ns())
        assert self.hear() == "connected"

    def wait_until(self, name: str, at_least: int) -> None:
        deadline = time.monotonic() + WITHIN_S
        while self.count(name) < at_least:
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def end(self) -> int | None:
        """Wait for the process and return its exit code."""
        assert select.select([self.process.pidfd], [], [], WITHIN_S)[0]
        self.process.reap(wait=True)
        return self.process.exit_code

    def count(self, name: str) -> int:
        if name in ledger.COUNTERS:
            return int(self.part.ledger[0, ledger.COUNTERS.index(name)])
        return int(self.part.traffic[traffic.COUNTERS.index(name)])

    @property
    def phase(self) -> str:
        return PHASES[int(self.part.progress[PROGRESS_PHASE])]


@pytest.fixture
def worker(url: str, tmp_path: Path) -> Iterator[Any]:
    processes: list[WorkerProcess] = []

    def start(kind: type[Plan] = EchoPlan, **values: Any) -> Worker:
        given = {"url": url, "connections": 3, "processes": 1, "connect_timeout": "5s"}
        if kind is EchoPlan:
            given |= {"rate": "100/s", "duration": "200ms", "drain": "5s", "ramp": "0s"}
        else:
            given |= {"connect_rate": "1000/s"}
        begun = Worker(kind(**(given | values)), tmp_path)
        processes.append(begun.process)
        return begun

    yield start
    end_workers(processes)


def test_a_whole_run(worker: Any) -> None:
    run = worker()
    run.connect()
    assert run.phase == "connected"
    assert run.part.progress[PROGRESS_CONNECTED_NS] > 0
    assert run.count("established") == run.count("open") == 3
    run.tell("send", at_ns=time.monotonic_ns())
    assert run.hear() == "finished"
    assert run.end() == 0
    assert run.phase == "finished"
    assert run.part.progress[PROGRESS_FINISHED_NS] > run.part.progress[PROGRESS_CONNECTED_NS]
    assert run.count("sent") == run.count("delivered") == 60
    assert run.count("open") == 0
    assert run.count("closed") == 3
    assert run.part.closed.counts() == run.part.errors.counts() == {}
    assert list(run.region.gauge) == [0, 3]


def test_a_connect_run_holds(worker: Any) -> None:
    run = worker(ConnectPlan, hold="300ms")
    run.connect()
    at_ns = time.monotonic_ns()
    run.tell("send", at_ns=at_ns)
    assert run.hear() == "finished"
    assert run.part.progress[PROGRESS_FINISHED_NS] >= at_ns + 299 * MS
    assert run.end() == 0


@pytest.mark.parametrize("word", ["drain", "abort"])
@pytest.mark.parametrize("stage", ["ready", "connected"])
def test_told_to_end_before_sending(stage: str, word: str, worker: Any) -> None:
    run = worker()
    if stage == "ready":
        assert run.hear() == "ready"
    else:
        run.connect()
    run.tell(word)
    said = run.hear()
    if said == "connected":
        # All that there will be: no attempt is without an outcome.
        said = run.hear()
    assert said == "finished"
    assert run.end() == 0
    assert run.count("attempted") == (0 if stage == "ready" else 3)
    assert run.count("open") == run.count("sent") == 0
    assert run.part.closed.counts() == {}


def test_told_to_drain_while_sending(worker: Any) -> None:
    run = worker(duration="1h")
    run.connect()
    run.tell("send", at_ns=time.monotonic_ns())
    run.wait_until("delivered", 10)
    run.tell("drain")
    assert run.hear() == "finished"
    assert run.end() == 0
    assert run.count("sent") == run.count("expected") == run.count("delivered") >= 10
    assert run.count("in_flight_at_leave") == 0


def test_told_to_abort_while_draining(worker: Any) -> None:
    run = worker(duration="1h")
    run.connect()
    run.tell("send", at_ns=time.monotonic_ns())
    run.wait_until("delivered", 10)
    run.tell("drain")
    run.tell("abort")
    assert run.hear() == "finished"
    assert run.end() == 0
    assert run.count("expected") == run.count("delivered") + run.count("lost")
    assert run.count("sent") == run.count("expected") + run.count("in_flight_at_leave")


@pytest.mark.parametrize("stage", ["ready", "connected", "sending"])
def test_ends_when_the_supervisor_is_gone(stage: str, worker: Any) -> None:
    run = worker(duration="1h")
    if stage == "ready":
        assert run.hear() == "ready"
    else:
        run.connect()
    if stage == "sending":
        run.tell("send", at_ns=time.monotonic_ns())
        run.wait_until("delivered", 1)
    began = time.monotonic()
    run.process.channel.close()
    assert run.end() == 1
    assert time.monotonic() - began < 2


def test_the_heart_beats_while_nothing_happens(worker: Any) -> None:
    run = worker()
    assert run.hear() == "ready"
    first = int(run.part.progress[PROGRESS_HEARTBEAT_NS])
    assert 0 < first <= time.monotonic_ns()
    deadline = time.monotonic() + 2
    while int(run.part.progress[PROGRESS_HEARTBEAT_NS]) == first:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_defect_ends_it_loudly(worker: Any) -> None:
    run = worker()
    assert run.hear() == "ready"
    run.tell("dance")
    assert run.end() == CRASHED
    assert "KeyError: 'dance'" in (run.crash_dir / "worker-0-crash.txt").read_text()
