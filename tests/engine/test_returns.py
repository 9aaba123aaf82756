from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.engine.backoff import Backoff
from surgewire.engine.returns import NEVER_NS, Returns, spacing_ns
from surgewire.plan.models import EchoPlan

MS = 1_000_000
S = 1_000_000_000


def returns(spacing: int = 10 * MS, least: int = S, most: int = 8 * S) -> Returns:
    return Returns(Backoff(least, most, seed=1), spacing_ns=spacing)


def taken(away: Returns, now_ns: int) -> list[int]:
    return [user for user, _ in away.take(now_ns)]


def test_nobody_is_away() -> None:
    away = returns()
    assert len(away) == 0
    assert away.next_ns == NEVER_NS
    assert taken(away, 10**18) == []


def test_who_was_cut_off_waits_and_comes_back_once() -> None:
    away = returns()
    away.failed(5, 100 * S)
    assert len(away) == 1
    assert 100 * S <= away.next_ns <= 101 * S
    due_ns = away.next_ns
    assert taken(away, due_ns - 1) == []
    assert list(away.take(due_ns)) == [(5, due_ns)]
    assert taken(away, 200 * S) == []


def test_who_left_comes_back_at_once() -> None:
    away = returns()
    away.left(5, 100 * S)
    assert taken(away, 100 * S) == [5]


def test_the_wait_grows_until_the_user_has_stayed_for_a_while() -> None:
    backoff = Backoff(S, 8 * S, seed=1)
    away = Returns(backoff, spacing_ns=0)
    now_ns = 100 * S
    for number, failures in enumerate([0, 1, 2, 3, 4]):
        away.failed(5, now_ns)
        assert away.next_ns == now_ns + backoff.wait_ns(5, number, failures)
        now_ns = away.next_ns
        assert taken(away, now_ns) == [5]
        # A short stay changes nothing.
        away.joined(5, now_ns)
        now_ns += 7 * S
    away.failed(5, now_ns)
    now_ns = away.next_ns
    assert taken(away, now_ns) == [5]
    away.joined(5, now_ns)
    now_ns += 8 * S
    away.failed(5, now_ns)
    assert away.next_ns == now_ns + backoff.wait_ns(5, 6, 0)


@given(
    spacing=st.sampled_from([0, 10_000, 300_000, MS, 7 * MS]),
    cuts=st.lists(st.integers(0, 2 * S), min_size=1, max_size=60),
    steps=st.lists(st.integers(1, 400 * MS), min_size=1, max_size=60),
)
@settings(max_examples=60)
def test_the_gate_is_never_passed_faster_than_asked(
    spacing: int, cuts: list[int], steps: list[int]
) -> None:
    away = Returns(Backoff(MS, 50 * MS, seed=1), spacing_ns=spacing)
    for user, at_ns in enumerate(cuts):
        away.failed(user, at_ns)
    now_ns, passed = 0, []
    for step in steps:
        now_ns += step
        passed += [now_ns for _ in away.take(now_ns)]
    for first in range(len(passed)):
        for last in range(first + 1, len(passed)):
            # Those that pass together within the slack are what it would have let through.
            allowed_ns = passed[last] - passed[first] + max(0, MS - spacing)
            assert (last - first) * spacing <= allowed_ns


def test_all_come_back_in_order_through_the_gate() -> None:
    away = returns(spacing=10 * MS, least=MS, most=MS)
    for user in range(50):
        away.failed(user, 0)
    instants = []
    while len(away):
        instants.append(away.next_ns)
        assert len(taken(away, away.next_ns)) == 1
    assert all(b - a == 10 * MS for a, b in pairwise(instants))


def test_nobody_comes_back_after_the_end() -> None:
    away = returns()
    away.failed(1, 0)
    assert away.expected
    away.stop()
    away.failed(2, 0)
    away.left(3, 0)
    assert not away.expected
    assert taken(away, 10**18) == []


def test_without_backoff_only_those_that_left_come_back() -> None:
    away = Returns(None, spacing_ns=0)
    assert not away.expected
    away.joined(1, 0)
    away.failed(1, 5)
    away.left(2, 5)
    assert taken(away, 5) == [2]


@pytest.mark.parametrize(
    ("values", "users", "spacing"),
    [
        ({"ramp": "10s"}, 250, 40 * MS),
        ({"ramp": "10s"}, 1000, 10 * MS),
        ({"ramp": "0s"}, 250, 0),
        ({"connect_rate": "100/s"}, 500, 20 * MS),
        ({"connect_rate": "100/s"}, 333, 30_030_031),
        ({"connect_rate": "50/s..100/s"}, 1000, 10 * MS),
        ({"connect_rate": "100/s..50/s"}, 1000, 10 * MS),
    ],
)
def test_the_workers_share_the_rate_that_was_asked_for(
    values: dict[str, str], users: int, spacing: int
) -> None:
    plan = EchoPlan(url="ws://h/", connections=1000, rate="1/s", **values)
    assert spacing_ns(plan, users) == spacing
