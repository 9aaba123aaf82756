from typing import Any

import pytest
from pydantic import ValidationError

from surgewire.plan.chat_target import ChatTargetConfig
from surgewire.plan.describe import describe_error

S = 1_000_000_000


def test_a_target_of_its_own_accord_does_nothing_wrong() -> None:
    config = ChatTargetConfig()
    faults = ("drop_ppm", "duplicate_ppm", "reorder_ppm", "damage_ppm", "cut_ppm")
    assert [getattr(config, name) for name in faults] == [0] * 5
    assert (config.host, config.port, config.processes, config.seed) == ("127.0.0.1", 8765, 1, 1)
    assert (config.truth, config.max_backlog_bytes) == (None, 16 << 20)


def test_options_become_a_config() -> None:
    written = ChatTargetConfig(
        drop="1%", duplicate="0.5%", reorder="0.0001%", damage="100%", cut="1%/min",
        max_backlog="64k", delay="2ms", stall="1s/10s", port="0", seed="7",
    )  # fmt: skip
    assert (written.drop_ppm, written.duplicate_ppm) == (10_000, 5_000)
    assert (written.reorder_ppm, written.damage_ppm) == (1, 1_000_000)
    assert (written.cut_ppm, written.cut_per_ns) == (10_000, 60 * S)
    assert (written.max_backlog_bytes, written.stall_ns, written.seed) == (65_536, S, 7)
    assert ChatTargetConfig(drop_ppm=10_000) == ChatTargetConfig(drop="1%")
    assert ChatTargetConfig(cut="2%/h").cut_per_ns == 3600 * S


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"drop": "0.01"}, "--drop: '0.01' has no %; write 0.01%"),
        ({"drop": "1 of 100"}, "--drop: '1 of 100' is not a share; write for example 10%"),
        ({"duplicate": "101%"}, "--duplicate: '101%' is more than all; write 100% or less"),
        ({"reorder": "-1%"}, "--reorder: '-1%' is negative"),
        ({"damage": "nan%"}, "--damage: 'nan%' is not a share"),
        ({"damage": 0.5}, "--damage: 0.5 is not a share; write text such as '10%'"),
        ({"drop_ppm": -1}, "--drop: -1 is too small; write a value from 0% to 100%"),
        ({"cut": "1%"}, "--cut: '1%' does not say per what; write 1%/min"),
        ({"cut": "1%/fortnight"}, "--cut: '1%/fortnight' is not a share per time"),
        ({"cut": "1/min"}, "--cut: '1' has no %; write 1%"),
        ({"max_backlog": "5"}, "--max-backlog: 5 is too small; write a value from 1k"),
        ({"port": "65536"}, "--port: 65,536 is too large"),
        ({"host": ""}, "--host: '' is no address"),
        ({"stall": "10s"}, "--stall: '10s' is not a stall"),
        ({"processes": 2}, "--processes: there is no such field"),
    ],
)
def test_nonsense_is_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ChatTargetConfig(**values)
    message = describe_error(caught.value)
    assert said in message
    assert "\n" not in message
