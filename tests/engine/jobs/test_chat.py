import asyncio
from collections import Counter
from typing import Any

import pytest

from surgewire.engine.jobs.chat import make_churn, make_returns, make_sizes
from surgewire.engine.jobs.workplace import Workplace
from surgewire.engine.shared import SharedRegion
from surgewire.plan.models import ChatPlan

S = 1_000_000_000


def chat_plan(**values: Any) -> ChatPlan:
    given = {"url": "ws://h/", "connections": 100, "rooms": 4, "rate": "1/s", "ramp": "10s"}
    return ChatPlan(**(given | values))


def places(plan: ChatPlan, workers: int) -> list[Workplace]:
    region = SharedRegion(workers, plan.rooms, 8)
    loop = asyncio.new_event_loop()
    loop.close()
    return [Workplace(loop, worker, plan, region, 7) for worker in range(workers)]


def test_the_users_of_all_workers_are_those_of_the_plan() -> None:
    users = [user for place in places(chat_plan(), 3) for user in place.users]
    assert sorted(users) == list(range(100))


def test_only_a_plan_with_reconnect_brings_back_who_was_cut_off() -> None:
    assert not make_returns(chat_plan(), 50).expected
    away = make_returns(chat_plan(reconnect="2s..8s"), 50)
    assert away.expected
    away.failed(1, 100 * S)
    assert 100 * S <= away.next_ns <= 102 * S


def test_returns_keep_to_the_workers_share_of_the_ramp() -> None:
    away = make_returns(chat_plan(), 50)
    for user in range(50):
        away.left(user, 0)
    # Fifty users in ten seconds.
    assert sum(1 for _ in away.take(0)) == 1
    assert away.next_ns == S // 5


def test_churn_is_that_of_the_whole_run() -> None:
    plan = chat_plan(churn="60%/min")
    left: list[int] = []
    for place in places(plan, 3):
        churn = make_churn(place, plan)
        assert churn is not None
        churn.start(0)
        left += churn.take(60 * S, lambda _user: True)
    assert len(left) == 60
    assert max(Counter(left).values()) == 1
    assert make_churn(places(chat_plan(), 1)[0], chat_plan()) is None


@pytest.mark.parametrize("seed", [1, 2**63 - 1])
def test_sizes_differ_between_workers_and_not_between_runs(seed: int) -> None:
    plan = chat_plan(size="64..4k", seed=seed)

    def sizes(worker: int) -> list[int]:
        picker = make_sizes(plan, worker)
        assert picker is not None
        return [picker.next() for _ in range(20)]

    assert sizes(0) == sizes(0)
    assert sizes(0) != sizes(1)
    assert make_sizes(chat_plan(), 0) is None
