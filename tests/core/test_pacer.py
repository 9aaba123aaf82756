"""Schedules against their closed formulas and their statistics; the due queue against heapq."""

import heapq
import math
from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core.pacer import DueQueue, Schedule

SECOND = 1_000_000_000
NEVER = 2**63 - 1


@given(
    st.integers(1, 2**32 - 1).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))),
    st.integers(0, 2**64 - 1),
    st.integers(1, 2**32 - 1),
    st.integers(1, 2**63 - 1),
    st.integers(0, SECOND),
)
def test_constant_is_the_exact_floor(
    users_user: tuple[int, int], j: int, count: int, per_ns: int, tick_ns: int
) -> None:
    users, user = users_user
    exact = min((j * users + user) * per_ns // (users * count), NEVER)
    planned = exact - exact % tick_ns if tick_ns and exact < NEVER else exact
    assert Schedule.constant(users, count, per_ns, tick_ns).instant(user, j) == (planned, exact)


def test_constant_spreads_the_users_evenly_over_one_period() -> None:
    schedule = Schedule.constant(10_000, 1, SECOND)
    first = [schedule.instant(user, 0)[0] for user in range(10_000)]
    assert first == [user * 100_000 for user in range(10_000)]
    assert schedule.instant(0, 1)[0] == SECOND


@pytest.mark.parametrize(("count", "per_ns"), [(1, SECOND), (3, SECOND), (7, 60 * SECOND)])
def test_constant_does_not_drift(count: int, per_ns: int) -> None:
    """After 10**12 messages of a user the instant is the fraction's floor, to the nanosecond."""
    schedule = Schedule.constant(997, count, per_ns)
    for j in (10**6, 10**9, 10**9 + 1):
        expected = math.floor(Fraction((j * 997 + 500) * per_ns, 997 * count))
        assert schedule.instant(500, j)[0] == expected
    fast = Schedule.constant(3, 7, 1_001)
    for j in (10**12, 10**12 + 1):
        assert fast.instant(2, j)[0] == math.floor(Fraction((j * 3 + 2) * 1_001, 21))


def test_constant_for_attempts_of_a_ramp() -> None:
    """One user, N messages in the length of the ramp: the schedule of connection attempts."""
    schedule = Schedule.constant(users=1, rate_count=3, per_ns=10 * SECOND)
    assert [schedule.instant(0, j)[0] for j in range(4)] == [
        0, 3_333_333_333, 6_666_666_666, 10 * SECOND,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda tick: Schedule.constant(7, 3, SECOND, tick),
        lambda tick: Schedule.poisson(7, 3, SECOND, 1, tick),
        lambda tick: Schedule.ramp(7, 3.0, 30.0, 5.0, tick),
    ],
    ids=["constant", "poisson", "ramp"],
)
def test_the_grid_rounds_down(make: Callable[[int], Schedule]) -> None:
    free, gridded = make(0), make(1_000_000)
    previous_ns = 0
    for j in range(200):
        planned, exact = gridded.instant(4, j, previous_ns)
        assert free.instant(4, j, previous_ns) == (exact, exact)
        assert planned == exact // 1_000_000 * 1_000_000
        previous_ns = exact


def poisson_gaps(users: int, each: int, seed: int, mean_ns: int) -> list[int]:
    schedule = Schedule.poisson(users, 1, mean_ns, seed)
    return [schedule.instant(user, j)[1] for user in range(users) for j in range(each)]


def test_poisson_gaps_are_exponential() -> None:
    """Mean, variance and a Kolmogorov-Smirnov test (0.1 % level) over users and numbers."""
    mean_ns = SECOND
    for users, each in ((1, 50_000), (50_000, 1), (200, 250)):
        gaps = sorted(poisson_gaps(users, each, 12_345, mean_ns))
        n = len(gaps)
        mean = sum(gaps) / n
        variance = sum((gap - mean) ** 2 for gap in gaps) / n
        assert mean == pytest.approx(mean_ns, rel=4 / math.sqrt(n))
        assert variance == pytest.approx(mean_ns**2, rel=4 * math.sqrt(8 / n))
        model = [1 - math.exp(-gap / mean_ns) for gap in gaps]
        distance = max(max((i + 1) / n - p, p - i / n) for i, p in enumerate(model))
        assert distance < 1.949 / math.sqrt(n)


def test_poisson_gaps_are_independent() -> None:
    """Neither neighbours in a user's sequence nor the same number of two users correlate."""
    n = 20_000
    schedule = Schedule.poisson(2, 1, SECOND, 7)
    one, other = ([schedule.instant(user, j)[1] / SECOND for j in range(n)] for user in (0, 1))

    def correlation(a: list[float], b: list[float]) -> float:
        return sum((x - 1) * (y - 1) for x, y in zip(a, b, strict=True)) / len(a)

    for a, b in ((one[1:], one[:-1]), (one, other), (one[1:], other[:-1])):
        assert abs(correlation(a, b)) < 4 / math.sqrt(n)


def test_poisson_counts_in_a_second_have_the_variance_of_their_mean() -> None:
    schedule = Schedule.poisson(1, 50, SECOND, 99)
    seconds = [0] * 400
    previous_ns, j = 0, 0
    while previous_ns < 400 * SECOND:
        seconds[previous_ns // SECOND] += 1
        previous_ns = schedule.instant(0, j, previous_ns)[1]
        j += 1
    mean = sum(seconds) / 400
    variance = sum((n - mean) ** 2 for n in seconds) / 400
    assert mean == pytest.approx(50, rel=0.05)
    assert variance == pytest.approx(50, rel=0.3)


def test_poisson_is_a_function_of_seed_user_and_number() -> None:
    schedule = Schedule.poisson(100, 1, SECOND, 1)
    again = Schedule.poisson(100, 1, SECOND, 1)
    assert [schedule.instant(3, j) for j in range(50)] == [
        again.instant(3, j) for j in reversed(range(50))
    ][::-1]
    gap = schedule.instant(3, 5)[1]
    assert schedule.instant(3, 5, 10**15)[1] == 10**15 + gap
    assert Schedule.poisson(100, 1, SECOND, 2).instant(3, 5)[1] != gap
    assert schedule.instant(4, 5)[1] != gap
    assert Schedule.poisson(100, 1, SECOND, 1 + 2**64).instant(3, 5)[1] == gap
    assert Schedule.poisson(100, 1, SECOND, -1).instant(3, 5)[1] > 0


def ramp_integral(start: float, end: float, ramp_s: float, t: float) -> float:
    if t >= ramp_s:
        return (start + end) / 2 * ramp_s + end * (t - ramp_s)
    return start * t + (end - start) / ramp_s * t * t / 2


rates = st.floats(0.01, 1e5)


@given(rates, rates, st.floats(0.1, 1e4), st.integers(0, 10**9))
def test_ramp_inverts_the_integral_of_the_rate(
    start: float, end: float, ramp_s: float, number: int
) -> None:
    instant_ns = Schedule.ramp(1, start, end, ramp_s).instant(0, number)[1]
    if instant_ns < NEVER:
        reached = ramp_integral(start, end, ramp_s, instant_ns / SECOND)
        # Half a nanosecond of rounding at the highest rate, and double precision.
        assert reached == pytest.approx(number, rel=1e-9, abs=1e-4)


def test_ramp_by_hand() -> None:
    """0 to 100/s in 10 s: 500 in the climb (number n at sqrt(n/5) s), then one each 10 ms."""
    schedule = Schedule.ramp(10, 0, 100, 10)
    assert [schedule.instant(0, j)[1] for j in (0, 2, 8, 50, 51)] == [
        0, 2 * SECOND, 4 * SECOND, 10 * SECOND, 10 * SECOND + 100_000_000,
    ]  # fmt: skip
    assert schedule.instant(5, 0)[1] == SECOND
    assert schedule.instant(1, 50)[1] == 10 * SECOND + 10_000_000


def test_a_flat_ramp_is_the_constant_rate() -> None:
    ramp, constant = Schedule.ramp(8, 80, 80, 3), Schedule.constant(8, 10, SECOND)
    for j in (0, 1, 29, 30, 31, 10**9):
        for user in (0, 7):
            assert ramp.instant(user, j)[1] == pytest.approx(constant.instant(user, j)[1], abs=1)


def test_a_falling_ramp_that_ends_at_zero_ends() -> None:
    schedule = Schedule.ramp(1, 100, 0, 10)
    assert schedule.instant(0, 499)[1] < 10 * SECOND
    assert schedule.instant(0, 375)[1] == 5 * SECOND
    assert schedule.instant(0, 500) == (NEVER, NEVER)
    for ramp_s in (0.1, 0.3, 0.7, 1.1, 12.3):
        falling = Schedule.ramp(1, 1e5 / 3, 0, ramp_s)
        last = math.ceil(1e5 / 6 * ramp_s) - 1
        assert falling.instant(0, last)[1] <= ramp_s * SECOND + 1


def test_a_ramp_of_no_length_is_a_jump() -> None:
    schedule = Schedule.ramp(2, 0, 10, 0)
    assert [schedule.instant(user, 0)[1] for user in (0, 1)] == [0, 100_000_000]


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule.constant(2**32 - 1, 1, 2**63 - 1),
        Schedule.poisson(2**32 - 1, 1, 2**63 - 1, 1),
        Schedule.ramp(2**32 - 1, 1e-300, 1e-300, 1),
    ],
    ids=["constant", "poisson", "ramp"],
)
def test_saturates_instead_of_wrapping(schedule: Schedule) -> None:
    for j in (1, 2**40, 2**64 - 1):
        planned, exact = schedule.instant(2**32 - 2, j, 2**63 - 2)
        assert planned == exact == NEVER


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Schedule.constant(0, 1, 1), "users is 0; it must lie in 1 to 4294967295"),
        (lambda: Schedule.constant(1, 0, 1), "rate_count is 0"),
        (lambda: Schedule.constant(1, 2**32, 1), "rate_count is 4294967296"),
        (lambda: Schedule.constant(1, 1, 0), "per_ns is 0"),
        (lambda: Schedule.constant(1, 1, 2**63), "per_ns is 9223372036854775808"),
        (lambda: Schedule.constant(1, 1, 1, -1), "tick_ns is -1"),
        (lambda: Schedule.ramp(1, -1.0, 1, 1), "start_per_s is -1.0; it must be a finite number"),
        (lambda: Schedule.ramp(1, 1, math.inf, 1), "end_per_s is inf"),
        (lambda: Schedule.ramp(1, 1, 1, math.nan), "ramp_s is nan"),
        (lambda: Schedule.ramp(1, 0, 0, 1), "start_per_s and end_per_s are both 0"),
        (lambda: Schedule.constant(2, 1, 1).instant(2, 0), "user is 2; it must lie in 0 to 1"),
        (lambda: Schedule.constant(2, 1, 1).instant(-1, 0), "user is -1"),
        (lambda: Schedule.constant(2, 1, 1).instant(0, -1), "j is -1"),
        (lambda: Schedule.constant(2, 1, 1).instant(0, 0, -1), "previous_ns is -1"),
        (lambda: DueQueue(0), "capacity is 0"),
        (lambda: DueQueue(1).put(0, 2**32), "user is 4294967296"),
    ],
)
def test_refuses_what_is_out_of_range(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_is_made_by_name() -> None:
    with pytest.raises(TypeError, match=r"use Schedule\.constant"):
        Schedule()


operations = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "take", "put_back"]),
        st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 5) | st.integers(0, 2**32 - 1),
    ),
    max_size=200,
)


@settings(max_examples=200)
@given(operations, st.integers(1, 60))
def test_the_due_queue_keeps_the_order_of_heapq(
    todo: list[tuple[str, int, int]], capacity: int
) -> None:
    queue, model = DueQueue(capacity), list[tuple[int, int]]()
    for verb, instant_ns, user in todo:
        if verb == "put" and len(model) == capacity:
            with pytest.raises(IndexError, match=f"full: {capacity} users"):
                queue.put(instant_ns, user)
        elif verb == "put":
            queue.put(instant_ns, user)
            heapq.heappush(model, (instant_ns, user))
        elif not model:
            with pytest.raises(IndexError, match="empty"):
                queue.take()
            with pytest.raises(IndexError, match="empty"):
                queue.put_back(instant_ns)
        elif verb == "take":
            assert queue.take() == heapq.heappop(model)
        else:
            assert queue.put_back(instant_ns) == heapq.heapreplace(model, (instant_ns, model[0][1]))
        assert len(queue) == queue.length == len(model)
        if model:
            assert queue.peek() == model[0]
    assert [queue.take() for _ in range(len(model))] == sorted(model)


def test_the_due_queue_drives_a_schedule_in_order() -> None:
    """A thousand users, each put back with its next instant: all messages come out in order."""
    users, each = 1_000, 5
    schedule = Schedule.constant(users, 1, SECOND)
    queue = DueQueue(users)
    for user in range(users):
        queue.put(schedule.instant(user, 0)[0], user)
    sent = [0] * users
    seen = []
    while queue.peek()[0] < each * SECOND:
        instant_ns, user = queue.peek()
        seen.append(instant_ns)
        sent[user] += 1
        queue.put_back(schedule.instant(user, sent[user])[0])
    assert seen == [n * SECOND // users for n in range(users * each)]
