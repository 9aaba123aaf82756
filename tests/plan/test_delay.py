from typing import Any

import pytest

from surgewire.plan.delay import Delay, DelayPart, parse_delay, parse_stall
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
