"""More than a worker can send: the figures show it, and the report says so."""

import pytest

from tests.integration.runs import Runner, doubts

pytestmark = pytest.mark.serial

USERS = 150
PER_USER_PER_S = 100_000


def test_an_overloaded_worker(target: str, runner: Runner) -> None:
    result = runner.echo(
        target,
        connections=USERS,
        processes=1,
        rate=f"{PER_USER_PER_S}/s",
        duration="1s",
        drain="20s",
        witness=0,
    )
    delivery = result.delivery
    assert delivery.planned == USERS * PER_USER_PER_S
    assert delivery.delivered == delivery.sent
    assert {"worker_saturated", "send_lag"} <= doubts(result)
    assert result.verdict.status in ("doubtful", "fail")
    # What it could not send in time is late since then, not since the worker got round to it.
    latency, lag = result.metrics["message_latency"], result.metrics["send_lag"]
    assert lag.p50 > 50
    assert latency.p50 > lag.p50
    assert latency.max > lag.max > 100
