from typing import Any

import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import ConnectPlan, plan_from_dict
from surgewire.plan.units import UnitError
from surgewire.plan.waves import Waves

S = 1_000_000_000
URL = {"url": "ws://h/"}


def refusal(**values: Any) -> str:
    with pytest.raises((ValidationError, UnitError)) as caught:
        ConnectPlan(**(URL | values))
    if isinstance(caught.value, ValidationError):
        return describe_error(caught.value)
    return str(caught.value)


def test_a_storm_says_how_many_there_are() -> None:
    plan = ConnectPlan(**URL, storm="2_000")
    assert (plan.connections, plan.connect_span_ns) == (2_000, 0)
    assert plan.surges is not None
    assert {plan.surges.instant_ns(user) for user in (0, 1_999)} == {0}


def test_waves_say_how_many_there_are_and_how_long_they_take() -> None:
    plan = ConnectPlan(**URL, waves="5x200/10s")
    assert plan.waves == plan.surges == Waves(5, 200, 10 * S)
    assert (plan.connections, plan.connect_span_ns) == (1_000, 40 * S)


@pytest.mark.parametrize(
    "values",
    [
        {"storm": 7},
        {"waves": "2x3/1s"},
        {"storm": 7, "reconnect_storm": "20%", "reconnect": "1s..30s", "until_message": True},
        {"connections": 7, "connect_rate": "5/s", "hold": "1s", "return_timeout": "5s"},
    ],
)
def test_plans_survive_being_written_down(values: dict[str, Any]) -> None:
    plan = ConnectPlan(**URL, **values)
    assert plan_from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize(
    ("share", "leavers"), [("20%", 20), ("0.0001%", 1), ("100%", 100), (None, 0)]
)
def test_the_share_that_leaves_is_one_user_at_least(share: str | None, leavers: int) -> None:
    given = {} if share is None else {"reconnect_storm": share}
    assert ConnectPlan(**URL, storm=100, **given).leavers == leavers


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"connections": 3}, "--rate is missing; write for example --rate 500/s, or --storm 1000"),
        (
            {"storm": 3, "connections": 4},
            "--storm and --waves say how many there are; leave out --total",
        ),
        ({"storm": 3, "connect_rate": "5/s"}, "--rate and --storm both say when to connect"),
        ({"storm": 3, "waves": "1x3/1s"}, "--storm and --waves both say when to connect"),
        ({"storm": "many"}, "--storm: 'many' is not a whole number"),
        ({"waves": "5x"}, "--waves: '5x' is not a row of waves"),
        (
            {"waves": "100x100000/1s"},
            "--waves: 10,000,000 connections cannot be; write 1 to 1,000,000",
        ),
        ({"storm": "0"}, "--storm: 0 connections cannot be"),
        (
            {"storm": 3, "reconnect": "1s..2s"},
            "--reconnect says how those of a --reconnect-storm come back",
        ),
        (
            {"storm": 3, "reconnect_storm": "10%", "reconnect": "3s..2s"},
            "--reconnect: the shorter time comes first; write 2s..3s",
        ),
        (
            {"storm": 3, "reconnect_storm": "10%", "reconnect": "3s"},
            "--reconnect: '3s' has one end",
        ),
        ({"storm": 3, "reconnect_storm": "10"}, "--reconnect-storm: '10' has no %"),
    ],
)
def test_what_makes_no_sense(values: dict[str, Any], why: str) -> None:
    assert why in refusal(**values)
