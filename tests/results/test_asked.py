"""What was asked for, read leniently and without secrets."""

import pytest

from surgewire.plan.secrets import redact_url
from surgewire.results.asked import Asked
from tests.results.chat_samples import CHAT_PLAN
from tests.results.samples import CONNECT_PLAN, ECHO_PLAN


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("ws://127.0.0.1:8765/", "ws://127.0.0.1:8765/"),
        ("wss://example.com/a/b", "wss://example.com/a/b"),
        ("ws://user:pass@host:1/", "ws://host:1/"),
        ("ws://host/?token=abc&room=1", "ws://host/?token=***&room=***"),
        ("ws://host/?token=", "ws://host/?token=***"),
        ("ws://host/?rawtoken", "ws://host/?***"),
        ("ws://host/?&", "ws://host/?***"),
        ("ws://host/#secret", "ws://host/"),
        ("ws://h/{{room}}?user={{user}}&t=a{{user}}", "ws://h/{{room}}?user={{user}}&t=***"),
        ("ws://[::1]:8765/", "ws://[::1]:8765/"),
        ("ws://[::1/", "***"),
    ],
)
def test_urls_lose_their_secrets(url: str, shown: str) -> None:
    assert redact_url(url) == shown


def test_an_echo_plan() -> None:
    asked = Asked.from_plan(ECHO_PLAN)
    assert (asked.kind, asked.host, asked.port) == ("echo", "127.0.0.1", 8765)
    assert (asked.connections, asked.duration_s) == (1_000, 10.0)
    assert (asked.sends, asked.measured_phase, asked.witness) == (True, "sending", 16)


def test_a_connect_plan() -> None:
    asked = Asked.from_plan(CONNECT_PLAN)
    assert (asked.kind, asked.host, asked.port) == ("connect", "example.com", 443)
    assert (asked.sends, asked.measured_phase) == (False, "connecting")
    assert asked.plan["target"] == "wss://example.com/chat?token=***"
    assert "s3cret" not in repr(asked)


def test_a_chat_plan() -> None:
    asked = Asked.from_plan(CHAT_PLAN)
    assert (asked.kind, asked.rooms, asked.level_gauge) == ("chat", 10, "joined")
    assert (asked.sends, asked.chats, asked.measured_phase) == (True, True, "sending")
    assert not any((asked.joins, asked.confirms, asked.reconnects, asked.churns))


def test_what_a_chat_plan_may_ask_for() -> None:
    asked = Asked.from_plan(
        {
            **CHAT_PLAN,
            "join": '{"token":"s3cret"}',
            "joined": "welcome",
            "reconnect_max_ns": 30_000_000_000,
            "churn_ppm": 1,
        }
    )
    assert asked.joins
    assert asked.confirms
    assert (asked.reconnects, asked.reconnect_max_s, asked.churns) == (True, 30.0, True)
    assert "s3cret" not in repr(asked)


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"target": 3},
        {"target": "ws://h:99999/"},
        {"connections": "many"},
        {"duration_ns": None},
    ],
)
def test_what_is_missing_or_unknown_is_as_if_not_asked(plan: dict[str, object]) -> None:
    asked = Asked.from_plan(plan)
    assert (asked.connections, asked.duration_s, asked.port) == (0, 0.0, None)
