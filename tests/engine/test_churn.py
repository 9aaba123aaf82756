from collections import Counter
from typing import Any

import pytest

from surgewire.engine.churn import Churn

S = 1_000_000_000
MINUTE = 60 * S


def churn(worker: int = 0, workers: int = 1, connections: int = 100, **values: Any) -> Churn:
    given = {"share_ppm": 50_000, "per_ns": MINUTE, "seed": 1}
    return Churn(
        range(worker, connections, workers),
        connections=connections,
        workers=workers,
        worker=worker,
        **(given | values),
    )


def everybody(_user: int) -> bool:
    return True


@pytest.mark.parametrize("workers", [1, 3])
def test_the_share_that_was_asked_for_leaves(workers: int) -> None:
    leaves = []
    for worker in range(workers):
        one = churn(worker, workers)
        one.start(7 * S)
        while one.next_ns <= 7 * S + 20 * MINUTE:
            at_ns = one.next_ns
            (user,) = one.take(at_ns, everybody)
            assert user % workers == worker
            leaves.append((at_ns, user))
    leaves.sort()
    # 5 % of 100 in a minute: one every 12 s, all workers together.
    assert [at_ns for at_ns, _ in leaves] == [7 * S + 12 * S * n for n in range(1, 101)]
    times = Counter(user for _, user in leaves).values()
    assert max(times) - min(times) <= 1 + (workers > 1)


def test_each_user_leaves_once_before_one_leaves_twice() -> None:
    one = churn(share_ppm=1_000_000)
    one.start(0)
    left = [one.take(one.next_ns, everybody)[0] for _ in range(200)]
    assert sorted(left[:100]) == sorted(left[100:]) == list(range(100))
    assert left[:100] != list(range(100))


def test_the_order_is_that_of_the_seed() -> None:
    def order(seed: int) -> list[int]:
        one = churn(seed=seed)
        one.start(0)
        return one.take(20 * MINUTE, everybody)

    assert order(1) == order(1)
    assert order(1) != order(2)


def test_who_is_not_there_is_passed_over() -> None:
    one = churn(connections=10, share_ppm=1_000_000)
    one.start(0)
    assert sorted(one.take(MINUTE // 2, lambda user: user in (3, 4))) == [3, 4]
    assert one.take(MINUTE, lambda _user: False) == []
    # What could not take place is not made up for.
    assert len(one.take(2 * MINUTE, everybody)) == 10
