from typing import Any

import pytest
from pydantic import ValidationError

from surgewire.plan.delay import Delay
from surgewire.plan.describe import describe_error
from surgewire.plan.echo_target import EchoTargetConfig

MS = 1_000_000
S = 1_000_000_000


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
