import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import (
    ChatPlan,
    ConnectPlan,
    EchoPlan,
    Plan,
    default_processes,
    plan_from_dict,
)
from surgewire.plan.target import parse_target
from surgewire.plan.units import Rate, UnitError

S = 1_000_000_000
ECHO = {"kind": "echo", "url": "ws://h/", "connections": 100, "rate": "1/s"}
CONNECT = {"kind": "connect", "url": "ws://h/", "connections": 100, "connect_rate": "50/s"}


def refusal(values: dict[str, Any]) -> str:
    with pytest.raises((ValidationError, UnitError)) as caught:
        plan_from_dict(values)
    if isinstance(caught.value, ValidationError):
        return describe_error(caught.value)
    return str(caught.value)


def test_text_and_exact_values_make_the_same_plan() -> None:
    written = EchoPlan(
        url="ws://h/", connections="10_000", rate="0.2/s", duration="1m", size="1k", ramp="10s",
        processes=1,
    )  # fmt: skip
    exact = EchoPlan(
        target=parse_target("ws://h/"), connections=10_000, rate=Rate(1, 5 * S),
        duration_ns=60 * S, size_bytes=1024, ramp_ns=10 * S, processes=1,
    )  # fmt: skip
    assert written == exact


def test_defaults_of_an_echo_run() -> None:
    plan = EchoPlan(url="ws://h/", connections=20_000, rate="1/s")
    assert (plan.ramp_ns, plan.connect_rate, plan.connect_rate_end) == (10 * S, None, None)
    assert (plan.duration_ns, plan.warmup_ns, plan.drain_ns) == (60 * S, 0, 5 * S)
    assert (plan.tick_ns, plan.deadline_ns, plan.size_bytes) == (1_000_000, 2 * S, 64)
    assert (plan.poisson, plan.pingpong, plan.seed) == (False, False, 1)
    assert plan.processes == default_processes()
    assert (plan.connect_timeout_ns, plan.max_message_bytes, plan.witness) == (30 * S, 16 << 20, 64)


def test_a_pong_is_awaited_until_the_next_ping_or_20_s() -> None:
    assert EchoPlan(**ECHO).ping_timeout_ns is None
    assert EchoPlan(**ECHO, ping="5s").ping_timeout_ns == 5 * S
    assert EchoPlan(**ECHO, ping="1m").ping_timeout_ns == 20 * S
    assert ConnectPlan(**CONNECT, ping="1m", ping_timeout="1m").ping_timeout_ns == 60 * S


def test_few_connections_need_a_short_ramp() -> None:
    assert EchoPlan(**(ECHO | {"connections": 100})).ramp_ns == S // 10
    assert EchoPlan(**(ECHO | {"connect_rate": "10/s"})).ramp_ns is None


def test_there_are_never_more_processes_than_connections() -> None:
    assert EchoPlan(**(ECHO | {"connections": 2, "processes": 8})).processes == 2
    assert EchoPlan(**(ECHO | {"connections": 1})).processes == 1


@pytest.mark.parametrize(
    ("values", "span_ns"),
    [
        (ECHO | {"ramp": "7s"}, 7 * S),
        (ECHO | {"connect_rate": "50/s"}, 2 * S),
        (CONNECT, 2 * S),
        (CONNECT | {"connect_rate": "10/s..90/s"}, 2 * S),
        (CONNECT | {"connect_rate": "90..10/s"}, 2 * S),
    ],
)
def test_time_that_connecting_takes(values: dict[str, Any], span_ns: int) -> None:
    assert plan_from_dict(values).connect_span_ns == span_ns


PLANS = st.one_of(
    st.builds(
        EchoPlan,
        target=st.sampled_from(["ws://h/", "wss://[::1]:7/a?b"]),
        connections=st.integers(1, 1000),
        rate=st.builds(Rate, st.integers(1, 1000), st.integers(S, 10 * S)),
        ramp_ns=st.none() | st.integers(0, S),
        duration_ns=st.integers(10 * S, 100 * S),
        poisson=st.booleans(),
        processes=st.integers(1, 8),
    ),
    st.builds(
        ConnectPlan,
        target=st.just("ws://h/"),
        connections=st.integers(1, 1000),
        connect_rate=st.builds(Rate, st.integers(1, 1000), st.just(S)),
        connect_rate_end=st.none() | st.just(Rate(5, S)),
        hold_ns=st.integers(0, S),
        ping_ns=st.none() | st.integers(S, 60 * S),
        target_pid=st.none() | st.just(7),
    ),
    st.builds(
        ChatPlan,
        target=st.just("ws://h/ws?room={{room}}&user={{user}}"),
        connections=st.integers(50, 1000),
        rate=st.just(Rate(1, S)),
        rooms=st.integers(1, 50),
        join=st.none() | st.just('{"room":"{{room}}"}'),
        send=st.just('{"text":"{{marker}} {{seq}}"}'),
        senders_ppm=st.integers(1, 1_000_000),
        size=st.none() | st.sampled_from(["128", "128..4k", "128,1k@70,30", "200,300"]),
        reconnect=st.none() | st.just("1s..30s"),
        churn=st.none() | st.just("5%/min"),
        trace=st.none() | st.just("trace"),
    ),
)


@given(PLANS)
def test_a_plan_comes_back_from_its_dict(plan: Plan) -> None:
    data = plan.to_dict()
    assert plan_from_dict(data) == plan
    assert plan_from_dict(json.loads(json.dumps(data))) == plan
    assert plan_from_dict(msgpack.unpackb(msgpack.packb(data))) == plan


def test_a_plan_is_frozen() -> None:
    plan = EchoPlan(**ECHO)
    with pytest.raises(ValidationError):
        plan.connections = 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://h/"}, "URL: 'http://h/'"),
        ({"url": 5}, "url=5"),
        ({"connections": 0}, "--connections: 0 is too small; write a value from 1 to 1,000,000"),
        ({"connections": -1}, "--connections: -1 is too small"),
        ({"connections": 10**30}, "--connections: 1,000"),
        ({"connections": 1e30}, "--connections: 1e+30 is not a whole number"),
        ({"connections": float("nan")}, "--connections: nan is not a whole number"),
        ({"connections": True}, "--connections: True is not a whole number"),
        ({"connections": "1e30"}, "--connections: '1e30' is not a whole number"),
        ({"processes": 0}, "--processes: 0 is too small"),
        ({"processes": 1001}, "--processes: 1,001 is too large"),
        ({"rate": None}, "--rate is missing; write"),
        ({"rate": "0/s"}, "--rate: '0/s' is no rate: it must be above zero"),
        ({"rate": "1"}, "--rate: '1' does not say per what; write 1/s"),
        ({"rate": 1.0}, "--rate: 1.0 is not a rate"),
        ({"rate": {"count": 1}}, "--rate: {'count': 1} is not a rate"),
        ({"rate": "1000000/s"}, "--rate: 1000000/s is too high; write 100000/s or less"),
        ({"rate": "1/31d"}, "--rate: 1/31d is too low"),
        ({"rate": "1/10m"}, "--rate 0.1/m sends nothing within --duration 1m"),
        ({"connections": 1_000_000, "rate": "1000/s"}, "1,000,000,000 messages a second"),
        ({"pingpong": True}, "leave out --rate or --pingpong"),
        ({"pingpong": True, "rate": None, "poisson": True}, "leave out --poisson or --pingpong"),
        ({"pingpong": 1}, "--pingpong: 1: input should be a valid boolean"),
        ({"duration": "60"}, "--duration: '60' has no unit; write 60s"),
        ({"duration": 60}, "duration=60 has no unit"),
        ({"duration": "60s", "duration_ns": 1}, "duration_ns is given twice"),
        ({"duration": "0s"}, "--duration: 0s is too small; write a value from 10ms to 30d"),
        ({"duration_ns": -1}, "--duration: -1 is too small"),
        ({"duration": "31d"}, "--duration: 31d is too large"),
        ({"duration": "20ms", "tick": "50ms", "rate": "1000/s"}, "--tick"),
        ({"warmup": "2d"}, "--warmup: 2d is too large"),
        ({"drain": "2h"}, "--drain: 2h is too large"),
        ({"deadline": "0s"}, "--deadline: 0s is too small"),
        ({"tick": "0"}, "--tick: 0s is too small; write a value from 10us to 1s"),
        ({"tick": "2s"}, "--tick: 2s is too large"),
        ({"size": "51"}, "--size: 51 is too small; write a value from 52"),
        ({"size": "17m"}, "--size 17m is larger than the largest message taken, 16m"),
        ({"ramp": "1s", "connect_rate": "5/s"}, "--ramp and --connect-rate exclude each other"),
        ({"connect_rate": "5"}, "--connect-rate: '5' does not say per what"),
        ({"connect_rate": "2000000/s"}, "--connect-rate: 2000000/s is too high"),
        ({"connect_rate_end": "5/s"}, "connect_rate_end needs a connect_rate"),
        ({"connections": 100_000, "connect_rate": "1/h"}, "--connect-rate is too low"),
        ({"connect_timeout": "2h"}, "--connect-timeout: 2h is too large"),
        ({"max_message_bytes": 5}, "--max-message: 5 is too small"),
        ({"seed": -1}, "--seed: -1 is too small"),
        ({"witness": 2000}, "--witness: 2,000 is too large"),
        ({"pace": 1}, "--pace: there is no such field"),
        ({"kind": "call"}, "'call' is no kind of run; write 'echo', 'chat' or 'connect'"),
        ({"url": "ws://h/?u={{name}}"}, "URL: {{name}} is an unknown slot; known here: {{user}}"),
        ({"ping": "5ms"}, "--ping: 5ms is too small; write a value from 10ms to 1h"),
        ({"ping_timeout": "5s"}, "--ping-timeout needs --ping; write for example --ping 20s"),
        ({"ping": "5s", "ping_timeout": "6s"}, "--ping-timeout 6s is longer than --ping 5s"),
        ({"target_pid": 0}, "--target-pid: 0 is too small"),
    ],
)  # fmt: skip
def test_nonsense_in_an_echo_plan_is_named(change: dict[str, Any], said: str) -> None:
    message = refusal(ECHO | {"connections": 4} | change)
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"connections": 0}, "--total: 0 is too small"),
        ({"connect_rate": None}, "--rate is missing; write for example --rate 500/s"),
        ({"connect_rate": "x"}, "--rate: 'x' is not a rate"),
        ({"connect_rate": "5/s..x"}, "--rate: 'x' is not a rate"),
        ({"connect_rate": "1/d", "connections": 1000}, "--rate is too low: 1,000 connections"),
        ({"ramp": "1s"}, "a connect run follows a rate"),
        ({"hold": "31d"}, "--hold: 31d is too large"),
        ({"rate": "1/s"}, "--rate: there is no such field"),
    ],
)
def test_nonsense_in_a_connect_plan_is_named(change: dict[str, Any], said: str) -> None:
    assert said in refusal(CONNECT | change)


def test_missing_fields_are_named() -> None:
    assert refusal({"kind": "echo"}) == ("URL: is missing; write for example ws://127.0.0.1:8765/")


@given(
    st.dictionaries(
        st.sampled_from([*EchoPlan.model_fields, "url", "duration"]),
        st.none() | st.integers() | st.floats() | st.text(max_size=8) | st.booleans(),
    )
)
def test_any_values_make_a_plan_or_one_line(values: dict[str, Any]) -> None:
    try:
        plan_from_dict(ECHO | values)
        message = ""
    except ValidationError as error:
        message = describe_error(error)
    except UnitError as error:
        message = str(error)
    assert "\n" not in message
