from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.engine.behaviours import behaviours_of
from surgewire.plan.models import EchoPlan


def plan_of(connections: int, seed: int = 1) -> EchoPlan:
    return EchoPlan(
        url="ws://127.0.0.1:1/",
        connections=connections,
        rate="1/s",
        seed=seed,
        behave="slow-reader:5%,vanish:10%,silent:1%",
    )


@given(st.integers(10, 3000), st.integers(1, 7), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_workers_draw_the_same_lots(connections: int, workers: int, seed: int) -> None:
    plan = plan_of(connections, seed)
    whole = behaviours_of(plan, range(connections))
    parts = [behaviours_of(plan, range(w, connections, workers)) for w in range(workers)]
    assert whole == {user: one for part in parts for user, one in part.items()}
    assert Counter(one.name for one in whole.values()) == {
        one.name: one.users(connections) for one in plan.behave
    }


def test_the_seed_decides() -> None:
    drawn = [set(behaviours_of(plan_of(1000, seed), range(1000))) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_nobody_misbehaves_unasked() -> None:
    plan = EchoPlan(url="ws://127.0.0.1:1/", connections=10, rate="1/s")
    assert behaviours_of(plan, range(10)) == {}
