"""Rules by which a run stops: how they are written, and when they are crossed."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.abort import FIGURES, AbortRule, parse_abort_rule
from surgewire.plan.models import ConnectPlan, plan_from_dict
from surgewire.plan.units import UnitError

ERRORS = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("failed>20%", AbortRule("failed", 200_000, True)),
        (" http_503 > 100 ", AbortRule("http_503", 100, False)),
        ("timeout_connect>0", AbortRule("timeout_connect", 0, False)),
        ("late>0.5%", AbortRule("late", 5_000, True)),
        ("close_1013>1_000", AbortRule("close_1013", 1000, False)),
    ],
)
def test_rules_are_read(text: str, rule: AbortRule) -> None:
    assert parse_abort_rule(text) == rule
    assert parse_abort_rule(str(rule)) == rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no rule; write for example 'failed>20%' or 'http_503>100'"),
        ("failed", "is no rule"),
        ("failed<20%", "is no rule"),
        ("failed>=20%", "is no rule"),
        ("failed>20%>3", "is no rule"),
        ("failed>", "is no rule"),
        ("fail>20%", "is nothing that is counted; write failed, closed"),
        ("http_5030>3", "is nothing that is counted"),
        ("http>3", "is nothing that is counted"),
        ("Failed>3", "is nothing that is counted"),
        ("failed>many", "'failed>many': 'many' is not a whole number"),
        ("failed>-1", "is negative"),
        ("failed>101%", "is more than all"),
        ("failed>20 %", "is no rule"),
        ("failed>0.00001%", "is finer than"),
    ],
)
def test_what_is_no_rule(text: str, message: str) -> None:
    with pytest.raises(UnitError, match=re.escape(message)):
        parse_abort_rule(text)


def test_every_documented_kind_may_be_in_a_rule() -> None:
    kinds = set(re.findall(r"^\| `([a-z_]+)` \|", ERRORS.read_text(), re.M))
    assert len(kinds) > 30
    for kind in [*kinds, *FIGURES, "http_404", "close_1011", "tls_wrong_version_number"]:
        assert parse_abort_rule(f"{kind}>1").figure == kind


@given(value=st.integers(0, 10**9), outcomes=st.integers(0, 10**9), limit=st.integers(0, 10**6))
def test_when_a_rule_is_crossed(value: int, outcomes: int, limit: int) -> None:
    assert AbortRule("failed", limit, False).crossed(value, outcomes) is (value > limit)
    share = AbortRule("failed", limit, True).crossed(value, outcomes)
    # Exact: compared in whole numbers.
    assert share is (outcomes >= 20 and value * 10**6 > limit * outcomes)


def test_a_share_is_not_looked_at_too_early() -> None:
    rule = parse_abort_rule("failed>20%")
    assert not rule.crossed(19, 19)
    assert rule.crossed(5, 20)
    assert not rule.crossed(4, 20)
    assert rule.crossed(3, 3, least=3)


def test_a_plan_holds_rules() -> None:
    one = ConnectPlan(url="ws://h/", connections=1, connect_rate="1/s", abort_on="failed>5%")
    assert one.abort_on == (AbortRule("failed", 50_000, True),)
    assert plan_from_dict(one.to_dict()) == one
    assert one.to_dict()["abort_on"] == ["failed>5%"]
    with pytest.raises(ValueError, match="33 rules are too many"):
        ConnectPlan(url="ws://h/", connections=1, connect_rate="1/s", abort_on=["dns>1"] * 33)
    with pytest.raises(ValueError, match="is no list of rules"):
        ConnectPlan(url="ws://h/", connections=1, connect_rate="1/s", abort_on=[3])
