"""Runs that stop by themselves for the target's sake, as ``abort_on`` says."""

import time

import surgewire
from tests.integration.conftest import Farm
from tests.integration.runs import Runner


def aborted(result: surgewire.Result) -> dict[str, object]:
    (event,) = [event for event in result.events if event.kind == "aborted"]
    return event.detail


def test_a_target_that_refuses_is_left_alone(farm: Farm, runner: Runner) -> None:
    port = farm.open("http_503")
    began = time.monotonic()
    result = runner.connect(
        f"ws://127.0.0.1:{port}/",
        connections=4_000,
        connect_rate="100/s",
        abort_on=["timeout_connect>3", "http_503>30"],
    )
    assert time.monotonic() - began < 10
    tried = sum(farm.close(port).values())
    assert 30 < result.connections.failed <= tried < 300
    assert result.connections.errors["http_503"] > 30
    assert result.verdict.status.value == "fail"
    reason = result.verdict.reasons[0]
    assert reason.startswith("stopped by --abort-on http_503>30 ("), reason
    assert aborted(result)["rule"] == "http_503>30"


def test_messages_that_come_late_end_a_run(farm: Farm, runner: Runner) -> None:
    port = farm.open("holds_back")
    result = runner.echo(
        f"ws://127.0.0.1:{port}/", duration="20s", deadline="10ms", abort_on="late>5%"
    )
    farm.close(port)
    assert result.duration_s < 10
    detail = aborted(result)
    assert detail["what"] == "deliveries"
    assert result.delivery.late >= int(str(detail["value"])) > 0.05 * int(str(detail["of"]))
    assert result.verdict.status.value == "fail"


def test_rules_that_hold_change_nothing(target: str, runner: Runner) -> None:
    result = runner.echo(target, abort_on=["failed>0", "closed>0", "late>90%", "http_503>0"])
    # On a machine that is busy otherwise the figures may be in doubt.
    assert result.verdict.status.value in ("pass", "doubtful")
    assert result.delivery.sent == result.delivery.delivered == 40
    assert not [event for event in result.events if event.kind == "aborted"]
