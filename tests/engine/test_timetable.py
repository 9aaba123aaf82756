from surgewire.engine.timetable import (
    Patience,
    close_bound_ns,
    connect_bound_ns,
    drain_ns,
    phases_after_connecting,
)
from tests.engine.fakes import MS, S, chat_plan, connect_plan, echo_plan

PATIENCE = Patience(margin_ns=10 * S)


def test_connecting_may_take_the_ramp_and_the_timeout_of_each_phase():
    plan = echo_plan(connections=10_000, ramp="20s", connect_timeout="30s")
    assert connect_bound_ns(plan, PATIENCE) == (20 + 30 + 30 + 10 + 2) * S
    climb = connect_plan(connections=1_000, connect_rate="100/s", connect_timeout="5s")
    assert connect_bound_ns(climb, PATIENCE) == 30_200 * MS
    timeouts = {"connect_timeout": "5s", "tls_timeout": "2s", "upgrade_timeout": "1s"}
    secure = connect_plan(
        url="wss://h/", connections=1_000, connect_rate="100/s", processes=1, **timeouts
    )
    assert connect_bound_ns(secure, PATIENCE) == 28_200 * MS


def test_joining_may_take_its_time_too():
    plain = connect_bound_ns(chat_plan(), PATIENCE)
    asked = chat_plan(join="{{room}}")
    assert connect_bound_ns(asked, PATIENCE) == plain + S
    answered = chat_plan(join="{{room}}", joined="welcome", join_timeout="7s")
    assert connect_bound_ns(answered, PATIENCE) == plain + 7 * S


def test_closing_may_take_longer_for_more_connections():
    assert close_bound_ns(echo_plan(connections=10_000), PATIENCE) == 12 * S


def test_phases_of_an_echo_run():
    plan = echo_plan(warmup="1s", duration="5s", drain="2s")
    assert phases_after_connecting(plan, 100) == [
        (100, "warmup"),
        (S + 100, "sending"),
        (6 * S + 100, "draining"),
        (8 * S + 100, "closing"),
    ]
    assert drain_ns(plan) == 2 * S
    without = phases_after_connecting(echo_plan(duration="5s"), 0)
    assert [phase for _, phase in without] == ["sending", "draining", "closing"]


def test_phases_of_a_connect_run():
    plan = connect_plan(hold="3s")
    assert phases_after_connecting(plan, 5) == [(5, "holding"), (3 * S + 5, "closing")]
    assert drain_ns(plan) == 0


def test_phases_of_a_chat_run():
    plan = chat_plan(duration="5s", drain="2s")
    phases = [(0, "sending"), (5 * S, "draining"), (7 * S, "closing")]
    assert phases_after_connecting(plan, 0) == phases
    assert drain_ns(plan) == 2 * S
