import json

import pytest
from pydantic import ValidationError

from surgewire.plan.behaviour import BEHAVIOURS, Behaviour, parse_behaviours
from surgewire.plan.describe import describe_error
from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan, plan_from_dict
from surgewire.plan.units import UnitError

URL = "ws://127.0.0.1:1/"


def echo(**values: object) -> EchoPlan:
    return EchoPlan(**({"url": URL, "connections": 100, "rate": "1/s"} | values))


def refusal(**values: object) -> str:
    with pytest.raises(ValidationError) as caught:
        echo(**values)
    return describe_error(caught.value)


def test_behaviours_are_read_with_and_without_amount() -> None:
    assert parse_behaviours("slow-reader:5%@2k/s, vanish:0.5%") == (
        Behaviour("slow-reader", 50_000, 2048),
        Behaviour("vanish", 5_000, 1_000_000_000),
    )


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_what_is_shown_is_read_as_the_same(name: str) -> None:
    (one,) = parse_behaviours(f"{name}:1%")
    assert parse_behaviours(str(one)) == (one,)


def test_a_share_is_exact_and_one_user_at_least() -> None:
    (one,) = parse_behaviours("silent:7%")
    assert [one.users(n) for n in (1, 14, 15, 100, 1_000_000)] == [1, 1, 1, 7, 70_000]


def test_plans_take_text_and_lists() -> None:
    plans = [
        echo(behave="silent:2%,vanish:1%@2s"),
        echo(behave=["silent:2%", "vanish:1%@2s"]),
        echo(behave=parse_behaviours("silent:2%,vanish:1%@2s")),
    ]
    assert len(set(plans)) == 1
    written = json.loads(json.dumps(plans[0].to_dict()))
    assert written["behave"] == ["silent:2%@1s", "vanish:1%@2s"]
    assert plan_from_dict(written) == plans[0]
    assert echo().behave == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rude:5%", "'rude' is no behaviour; write one of slow-reader, "),
        ("", "'' is no behaviour"),
        ("silent", "'silent' does not say how many users; write for example slow-reader:5%"),
        ("silent:5", "'5' has no %; write 5%"),
        ("silent:0%", "silent:'0%': a share lies between 0 and 100%"),
        ("silent:100%", "a share lies between 0 and 100%"),
        ("silent:5%@", "'' is not a duration"),
        ("silent:5%@1", "'1' has no unit"),
        ("silent:5%@1ms", "silent: '1ms' lies outside 10ms to 1h"),
        ("slow-reader:5%@1k", "'1k' is no size in a second; write for example 1k/s"),
        ("slow-reader:5%@1k/m", "no size in a second"),
        ("ping-flood:5%@1/m", "'1/m' is no whole number in a second"),
        ("small-buffer:5%@1", "lies outside 1k to 1m"),
        ("silent:50%,vanish:50%", "100 awkward users of 100 leave nobody who behaves"),
        ("silent:1%,silent:2%", "silent is given twice"),
    ],
)
def test_one_line_says_what_is_wrong(text: str, told: str) -> None:
    line = refusal(behave=text)
    assert line.startswith("--behave: ")
    assert told in line
    assert "\n" not in line


def test_what_is_no_text_is_refused() -> None:
    assert "5 is no behaviour" in refusal(behave=[5])


def test_a_run_without_messages_has_none_in_fragments() -> None:
    values = {"url": URL, "connections": 10, "connect_rate": "10/s"}
    with pytest.raises(ValidationError, match="fragmented is about messages"):
        ConnectPlan(**values, behave="fragmented:10%")
    assert ConnectPlan(**values, behave="silent:10%").behave
    assert ChatPlan(url=URL, connections=10, rate="1/s", behave="fragmented:10%").behave


def test_errors_of_the_parser_are_errors_of_units() -> None:
    with pytest.raises(UnitError):
        parse_behaviours("rude:5%")
