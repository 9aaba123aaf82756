"""Processes that die or stand still in mid-run: the run goes on, and says what happened."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from surgewire.engine.observer import SilentObserver
from surgewire.results.record import EventRecord, IntervalRecord, Record
from tests.integration.runs import Runner, doubts
from tests.integration.target import serving, start, url_of

USERS = 6


class Intruder(SilentObserver):
    """Does something once messages are being sent, and something else a while later."""

    def __init__(
        self,
        act: Callable[[int], object],
        undo: Callable[[int], object] | None = None,
        after_s: float = 0.0,
    ) -> None:
        self.pid = 0
        self._act = act
        self._undo = undo
        self._after_s = after_s
        self._began_s = 0.0
        self._sending = False

    def record(self, record: Record) -> None:
        if isinstance(record, EventRecord) and record.kind == "sending":
            self._sending = True
        elif isinstance(record, IntervalRecord) and not self.pid:
            self.pid = next(sample.pid for sample in record.workers if sample.worker == 1)

    def tick(self) -> None:
        if not self._sending:
            return
        if not self._began_s:
            self._began_s = time.monotonic()
            self._act(self.pid)
        elif self._undo is not None and time.monotonic() > self._began_s + self._after_s:
            self._undo(self.pid)
            self._undo = None


def kill(number: signal.Signals) -> Callable[[int], None]:
    return lambda pid: os.kill(pid, number)


def test_a_killed_worker(target: str, runner: Runner) -> None:
    intruder = Intruder(kill(signal.SIGKILL))
    result = runner.echo(target, observer=intruder, connections=USERS, duration="1s")
    (death,) = [event for event in result.events if event.kind == "worker_died"]
    assert death.detail["worker"] == 1
    assert death.detail["pid"] == intruder.pid
    assert death.detail["signal"] == "SIGKILL"
    assert death.detail["connections"] == USERS // 2
    assert death.at_s > 0
    assert result.connections.established == USERS
    assert result.connections.closed == {"worker_died": USERS // 2}
    assert "worker_died" in doubts(result)
    delivery = result.delivery
    # The other worker's three users have sent for a second, as planned.
    assert delivery.delivered >= 50 * USERS // 2
    assert delivery.lost == 0
    assert result.verdict.status == "fail"


def test_a_worker_that_stands_still(target: str, runner: Runner) -> None:
    intruder = Intruder(kill(signal.SIGSTOP), kill(signal.SIGCONT), after_s=1.5)
    result = runner.echo(target, observer=intruder, connections=USERS, duration="3s", deadline="1h")
    delivery = result.delivery
    assert delivery.planned == delivery.sent == delivery.delivered == 150 * USERS
    assert result.connections.closed == {}
    assert {"loop_lag", "send_lag"} <= doubts(result)
    assert result.generator.loop_lag.max > 1000
    assert result.metrics["message_latency"].max > 1000
    assert result.metrics["send_lag"].max > 1000
    assert result.verdict.status == "doubtful"


def test_a_worker_that_stands_still_over_the_end(target: str, runner: Runner) -> None:
    intruder = Intruder(kill(signal.SIGSTOP), kill(signal.SIGCONT), after_s=1.0)
    result = runner.echo(target, observer=intruder, connections=USERS, duration="1s", deadline="1h")
    delivery = result.delivery
    # What it slept through leaves late, and is not passed over in silence.
    assert delivery.planned == delivery.sent == delivery.delivered == 50 * USERS
    assert result.metrics["message_latency"].max > 100
    assert "send_lag" in doubts(result)


def test_a_killed_target(runner: Runner) -> None:
    server = start("--processes", "2")
    try:
        url = url_of(server)
        intruder = Intruder(lambda _: os.killpg(server.pid, signal.SIGKILL))
        began = time.monotonic()
        result = runner.echo(url, observer=intruder, connections=USERS, duration="1m")
    finally:
        server.kill()
        server.communicate()
    # Nothing is left to be done for the rest of the minute.
    assert time.monotonic() - began < 20
    assert set(result.connections.closed) <= {"tcp_reset", "eof"}
    assert sum(result.connections.closed.values()) == USERS
    assert result.delivery.delivered > 0
    assert result.delivery.lost == 0
    assert result.verdict.status == "fail"


def test_a_target_that_ends_in_good_order(runner: Runner) -> None:
    with serving() as url:
        pass
    result = runner.echo(url, connections=USERS)
    assert result.connections.errors == {"tcp_refused": USERS}


@pytest.mark.parametrize("processes", [1, 2])
def test_all_workers_killed(processes: int, target: str, runner: Runner) -> None:
    class Slaughter(SilentObserver):
        def record(self, record: Record) -> None:
            if isinstance(record, IntervalRecord) and record.phase == "sending":
                for sample in record.workers:
                    if sample.alive:
                        os.kill(sample.pid, signal.SIGKILL)

    result = runner.echo(
        target, observer=Slaughter(), connections=USERS, processes=processes, duration="1m"
    )
    assert result.connections.closed == {"worker_died": USERS}
    assert result.verdict.status == "failed"
