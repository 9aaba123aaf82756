"""The connection benchmark as a whole: attempts at planned instants, phases, errors, holding."""

import time

import pytest

from surgewire.engine.observer import SilentObserver
from surgewire.results.record import EventRecord, IntervalRecord, Record
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

TOTAL = 50


class Recorder(SilentObserver):
    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.open: dict[str, int] = {}

    def record(self, record: Record) -> None:
        if isinstance(record, EventRecord) and record.kind == "phase":
            self.phases[str(record.detail["phase"])] = record.at_s
        elif isinstance(record, IntervalRecord):
            most = max(record.gauges["open"], self.open.get(record.phase, 0))
            self.open[record.phase] = most


@pytest.mark.parametrize("processes", [1, 2])
def test_attempts_follow_the_rate(processes: int, farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/", connections=TOTAL, connect_rate="100/s", processes=processes
    )
    accepted_ns = farm.accepted_ns(port)
    assert farm.close(port)["close_1000"] == TOTAL
    connections = result.connections
    assert connections.requested == connections.attempted == connections.established == TOTAL
    assert connections.errors == connections.closed == {}
    assert connections.peak_open == TOTAL
    # 49 gaps of 10 ms.
    assert 0.45 < (accepted_ns[-1] - accepted_ns[0]) / 1e9 < 0.8
    assert connections.per_s is not None
    assert 60 < connections.per_s < 110
    for phase in ("connect_time", "tcp_time", "upgrade_time"):
        assert result.metrics[phase].count == TOTAL
    assert result.metrics["connect_time"].min > 0
    assert result.delivery.sent == 0
    assert result.verdict.status in ("pass", "doubtful")


def test_a_rate_that_climbs(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(f"ws://127.0.0.1:{port}/", connections=60, connect_rate="20/s..180/s")
    accepted_ns = farm.accepted_ns(port)
    farm.close(port)
    assert result.connections.established == 60
    span_ns = accepted_ns[-1] - accepted_ns[0]
    assert 0.5 < span_ns / 1e9 < 0.9
    # Of a rate that climbs from 20 to 180 in 0.6 s, 18 of 60 fall into the first half.
    early = sum(at_ns - accepted_ns[0] < span_ns / 2 for at_ns in accepted_ns)
    assert 12 <= early <= 24


def test_a_slow_server_does_not_slow_the_schedule(farm: Farm, runner: Runner) -> None:
    port = farm.open("slow_upgrade")
    result = runner.connect(f"ws://127.0.0.1:{port}/", connections=TOTAL, connect_rate="100/s")
    accepted_ns = farm.accepted_ns(port)
    farm.close(port)
    assert result.connections.established == TOTAL
    assert (accepted_ns[-1] - accepted_ns[0]) / 1e9 < 0.8
    assert result.metrics["upgrade_time"].min >= 299
    assert result.metrics["tcp_time"].p50 < 100


def test_refusals_are_counted_and_not_timed(farm: Farm, runner: Runner) -> None:
    port = farm.open("refuses_some")
    result = runner.connect(f"ws://127.0.0.1:{port}/", connections=TOTAL, connect_rate="200/s")
    refused = farm.close(port)["refused"]
    assert refused == TOTAL // 3
    assert result.connections.errors == {"http_429": refused}
    assert result.connections.established == TOTAL - refused
    assert result.metrics["connect_time"].count == TOTAL - refused
    assert result.metrics["connect_lag"].count == TOTAL
    assert result.verdict.status == "fail"


def test_holding(target: str, runner: Runner) -> None:
    recorder = Recorder()
    result = runner.connect(target, observer=recorder, connect_rate="200/s", hold="1500ms")
    assert result.connections.established == result.connections.peak_open == 10
    assert recorder.open["holding"] == 10
    assert recorder.phases["closing"] - recorder.phases["holding"] == pytest.approx(1.5, abs=0.01)
    assert result.connections.closed == {}


def test_holding_ends_when_nothing_is_left_to_hold(farm: Farm, runner: Runner) -> None:
    port = farm.open("closes_with_the_response")
    began = time.monotonic()
    result = runner.connect(f"ws://127.0.0.1:{port}/", hold="1h")
    farm.close(port)
    assert time.monotonic() - began < 30
    assert result.connections.closed == {"close_1013": 10}
