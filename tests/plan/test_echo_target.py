from typing import Any

import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.echo_target import (
    Delay,
    DelayPart,
    EchoTargetConfig,
    parse_delay,
    parse_stall,
)
from surgewire.plan.units import UnitError

MS = 1_000_000
S = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("2ms", [(1, "fixed", 2 * MS)]),
        ("fixed:2ms", [(1, "fixed", 2 * MS)]),
        ("exponential:5ms", [(1, "exponential", 5 * MS)]),
        ("mix:1ms@99,50ms@1", [(99, "fixed", MS), (1, "fixed", 50 * MS)]),
        ("mix:1ms@99%, exponential:50ms@1%", [(99, "fixed", MS), (1, "exponential", 50 * MS)]),
        ("mix:1ms@99.9,50ms@0.1", [(999, "fixed", MS), (1, "fixed", 50 * MS)]),
    ],
)
def test_delays_are_read(text: str, parts: list[tuple[int, Any, int]]) -> None:
    wanted = tuple(DelayPart(weight=w, kind=kind, ns=ns) for w, kind, ns in parts)
    assert parse_delay(text) == Delay(parts=wanted)


@pytest.mark.parametrize(
    "text",
    ["", "2", "uniform:2ms", "mix:", "mix:1ms", "mix:1ms@0", "mix:1ms@-1", "mix:1ms@nan",
     "mix:1ms@1/0", "mix:1ms@1e30", "2h", "mix:1ms@1,", "mix:" + "1ms@1," * 30],
)  # fmt: skip
def test_what_is_no_delay_is_refused(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_delay(text)
    assert "\n" not in str(caught.value)


def test_stalls() -> None:
    assert parse_stall("1s/10s") == (S, 10 * S)
    for text in ("1s", "10s/1s", "1s/1s", "0s/1s", "1/10", "1s/2h", "x/y"):
        with pytest.raises(UnitError):
            parse_stall(text)


def test_options_become_a_config() -> None:
    config = EchoTargetConfig(port="0", processes="2", delay="2ms", stall="1s/10s")
    assert (config.host, config.port, config.processes) == ("127.0.0.1", 0, 2)
    assert config.delay.parts[0].ns == 2 * MS
    assert (config.stall_ns, config.stall_every_ns) == (S, 10 * S)
    assert config.truth is None
    assert EchoTargetConfig() == EchoTargetConfig(delay=Delay(), port=8765)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"port": "65536"}, "--port: 65,536 is too large; write a value from 0 to 65,535"),
        ({"port": "http"}, "--port: 'http' is not a whole number"),
        ({"processes": 0}, "--processes: 0 is too small"),
        ({"host": ""}, "--host: '' is no address"),
        ({"delay": "uniform:1ms"}, "--delay: 'uniform:1ms' is not a delay distribution"),
        ({"stall": "10s"}, "--stall: '10s' is not a stall"),
        ({"stall_ns": S}, "--stall must be shorter than its period"),
        ({"truth": 5}, "--truth: 5: "),
        ({"drop": 1}, "--drop: there is no such field"),
    ],
)
def test_nonsense_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        EchoTargetConfig(**values)
    assert said in describe_error(caught.value)
