from typing import Any

import pytest
from pydantic import ValidationError

from surgewire.plan.find import FindPlan
from surgewire.plan.units import Rate, UnitError

S = 1_000_000_000


def plan(**values: Any) -> FindPlan:
    return FindPlan.of(url="ws://h/?token=x", **values)


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [(None, 50, 100_000), ("7/s", 7, 100_000), ("20..300/s", 20, 300), ("60/m..90/s", 1, 90)],
)
def test_the_range_of_rates(rate: str | None, low: int, high: int) -> None:
    found = plan(connect_rate=rate)
    assert (found.low_per_s, found.high_per_s) == (low, high)


def test_a_step_is_a_run_at_one_rate() -> None:
    step = plan(step="2s", processes=3, until_message=True).step(250)
    assert (step.connections, step.connect_rate, step.connect_rate_end) == (500, Rate(250, S), None)
    assert (step.processes, step.until_message, step.connect_span_ns) == (3, True, 2 * S)
    assert plan(step="1s", processes=8).step(2).processes == 2


def test_defaults() -> None:
    found = plan()
    assert (found.p99_ns, found.step_ns, found.within_ppm) == (S, 5 * S, 50_000)


def test_no_secret_is_written_down() -> None:
    assert "token=x" not in str(plan().public_dict())


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"connections": "5"}, "--find-rate decides about --total by itself; leave it out"),
        ({"hold": "5s"}, "--find-rate decides about --hold by itself; leave it out"),
        ({"storm": "5"}, "--find-rate follows a rate; leave out --storm or --find-rate"),
        ({"waves": "5x5/1s"}, "leave out --waves or"),
        ({"reconnect_storm": "5%"}, "leave out --reconnect-storm or"),
        ({"connect_rate": "0.5/s"}, "--find-rate tries 1/s and more"),
        ({"connect_rate": "9/s..5/s"}, "--rate: the lower rate comes first; write 5/s..9/s"),
        ({"connect_rate": "fast"}, "'fast"),
        ({"p99": "1"}, "'1' has no unit"),
        ({"step": "1ms"}, "1ms is too small"),
    ],
)
def test_what_makes_no_sense(values: dict[str, Any], why: str) -> None:
    with pytest.raises((ValidationError, UnitError)) as caught:
        plan(**values)
    assert why in str(caught.value)
