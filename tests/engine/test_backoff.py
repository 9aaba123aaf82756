import statistics

import pytest

from surgewire.engine.backoff import Backoff

S = 1_000_000_000


def test_the_bound_doubles_up_to_the_most() -> None:
    backoff = Backoff(S, 30 * S, seed=1)
    assert [backoff.bound_ns(n) // S for n in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    # Weeks of failures.
    assert backoff.bound_ns(10**6) == 30 * S


@pytest.mark.parametrize("failures", [0, 3, 9])
def test_waits_are_spread_over_all_of_the_bound(failures: int) -> None:
    backoff = Backoff(S, 30 * S, seed=1)
    bound_ns = backoff.bound_ns(failures)
    waits = [backoff.wait_ns(user, 0, failures) for user in range(2_000)]
    assert 0 <= min(waits) < bound_ns * 0.01
    assert bound_ns * 0.99 < max(waits) <= bound_ns
    assert statistics.mean(waits) == pytest.approx(bound_ns / 2, rel=0.05)


def test_waits_follow_from_seed_user_and_number() -> None:
    def waits(seed: int, user: int) -> list[int]:
        return [Backoff(S, 9 * S, seed=seed).wait_ns(user, number, 1) for number in range(3)]

    assert waits(1, 7) == waits(1, 7)
    assert len({*waits(1, 7), *waits(1, 8), *waits(2, 7), *waits(2**63 - 1, 7)}) == 12
