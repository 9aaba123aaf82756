"""Whole runs in tests: short plans, and what must hold for every result."""

import json
from pathlib import Path
from typing import Any

import jsonschema

import surgewire
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan, Plan

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "result.schema.json").read_text(encoding="utf-8")
)

SHORT_ECHO = {
    "connections": 4,
    "processes": 2,
    "rate": "50/s",
    "duration": "200ms",
    "drain": "300ms",
    "ramp": "0s",
    "connect_timeout": "5s",
}
SHORT_CONNECT = {
    "connections": 10,
    "processes": 2,
    "connect_rate": "100/s",
    "connect_timeout": "5s",
}
SHORT_CHAT = {
    "connections": 12,
    "processes": 2,
    "rooms": 3,
    "rate": "20/s",
    "duration": "400ms",
    "drain": "2s",
    "connect_timeout": "5s",
}


class Runner:
    """Carries plans out in a folder, and checks what must hold for every run."""

    def __init__(self, runs_dir: Path) -> None:
        self.runs_dir = runs_dir

    def echo(self, url: str, *, observer: Any = None, **values: Any) -> surgewire.Result:
        return self._run(EchoPlan(url=url, **(SHORT_ECHO | values)), observer)

    def connect(self, url: str, *, observer: Any = None, **values: Any) -> surgewire.Result:
        given = {k: v for k, v in (SHORT_CONNECT | values).items() if v is not None}
        return self._run(ConnectPlan(url=url, **given), observer)

    def chat(self, url: str, *, observer: Any = None, **values: Any) -> surgewire.Result:
        ramp = {} if "connect_rate" in values else {"ramp": "100ms"}
        return self._run(ChatPlan(url=url, **(SHORT_CHAT | ramp | values)), observer)

    def _run(self, plan: Plan, observer: Any) -> surgewire.Result:
        result = surgewire.run(plan, runs_dir=self.runs_dir, observer=observer)
        check(result)
        crashes = list((self.runs_dir / result.run.id).glob("worker-*-crash.txt"))
        assert not crashes, crashes[0].read_text()
        return result


def check(result: surgewire.Result) -> None:
    """Assert what holds for every run that was not cut short, whatever the server did."""
    jsonschema.validate(result.to_dict(), SCHEMA)
    connections, delivery = result.connections, result.delivery
    again = result.reconnects
    apart = 0 if result.awkward is None else result.awkward.failed
    assert connections.attempted == connections.established + connections.failed + apart
    assert connections.failed + again.failed == sum(connections.errors.values())
    established = connections.established + again.attempts - again.failed
    assert established >= sum(connections.closed.values())
    assert delivery.undecided == 0
    assert delivery.expected == (delivery.delivered + delivery.lost + delivery.lost_to_disconnect)
    assert delivery.planned == delivery.sent + delivery.skipped
    if result.rooms is None:
        assert delivery.sent == delivery.expected + delivery.in_flight_at_leave
    else:
        check_rooms(result)
    latencies = result.metrics["message_latency"].count
    assert latencies == result.metrics["service_time"].count == delivery.delivered
    assert result.metrics["send_lag"].count == delivery.sent
    if result.awkward is None:
        assert result.metrics["connect_time"].count == established
    assert result.metrics["connect_lag"].count == connections.attempted + again.attempts


def check_rooms(result: surgewire.Result) -> None:
    """Assert that every room's books balance, and that the rooms add up to the whole."""
    rooms, delivery = result.rooms, result.delivery
    assert rooms is not None
    assert rooms.identity_holds
    for name in ("sent", "expected", "delivered", "lost", "lost_to_disconnect", "complete"):
        assert sum(getattr(room, name) for room in rooms.all) == getattr(delivery, name)


def doubts(result: surgewire.Result) -> set[str]:
    return {doubt.code.value for doubt in result.doubts}
