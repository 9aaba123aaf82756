"""First attempts in a test's loop."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from surgewire._core.clock import now_ns
from surgewire.engine.ramp import Ramp, connect_schedule
from surgewire.plan.models import ConnectPlan, EchoPlan

MS = 1_000_000
S = 1_000_000_000
WITHIN_S = 10.0


class Begun:
    """What a ramp has begun and when."""

    def __init__(self, users: range, rate: str) -> None:
        plan = ConnectPlan(url="ws://h/", connections=users.stop, connect_rate=rate)
        self.told: list[tuple[int, int, int]] = []
        self.dones = 0
        self.done = asyncio.Event()
        self.ramp = Ramp(
            asyncio.get_running_loop(), plan, users, begin=self._begin, on_done=self._on_done
        )

    def _begin(self, user: int, planned_ns: int) -> None:
        self.told.append((user, planned_ns, now_ns()))

    def _on_done(self) -> None:
        self.dones += 1
        self.done.set()


def run(test: Callable[[Begun], Awaitable[None]], users: range, rate: str = "100/s") -> None:
    async def on_a_loop() -> None:
        begun = Begun(users, rate)
        try:
            await asyncio.wait_for(test(begun), WITHIN_S)
        finally:
            begun.ramp.close()

    uvloop.run(on_a_loop())


def test_each_user_begins_at_its_instant() -> None:
    async def test(begun: Begun) -> None:
        start_ns = now_ns() + 10 * MS
        begun.ramp.start(start_ns)
        assert begun.told == []
        await begun.done.wait()
        assert [(user, planned - start_ns) for user, planned, _ in begun.told] == [
            (1, 10 * MS),
            (3, 30 * MS),
            (5, 50 * MS),
        ]
        assert all(at_ns >= planned_ns for _, planned_ns, at_ns in begun.told)
        assert begun.ramp.done
        assert begun.dones == 1

    run(test, range(1, 6, 2))


def test_what_is_called_off_does_not_begin() -> None:
    async def test(begun: Begun) -> None:
        begun.ramp.start(now_ns())
        assert not begun.ramp.done
        begun.ramp.stop()
        begun.ramp.stop()
        assert begun.ramp.done
        await asyncio.sleep(0.05)
        assert [user for user, _, _ in begun.told] == [0]
        assert begun.dones == 1

    run(test, range(3), "30/s")


def test_stopping_before_the_start() -> None:
    async def test(begun: Begun) -> None:
        begun.ramp.stop()
        assert begun.dones == 1
        assert begun.told == []

    run(test, range(3))


@pytest.mark.parametrize(
    ("plan", "instants_ms"),
    [
        (EchoPlan(url="ws://h/", connections=4, rate="1/s", ramp="1s"), [0, 250, 500, 750]),
        (EchoPlan(url="ws://h/", connections=4, rate="1/s", ramp="0s"), [0, 0, 0, 0]),
        (EchoPlan(url="ws://h/", connections=3, rate="1/s", connect_rate="10/s"), [0, 100, 200]),
        (ConnectPlan(url="ws://h/", connections=3, connect_rate="500/s"), [0, 2, 4]),
    ],
)
def test_schedules(plan: EchoPlan | ConnectPlan, instants_ms: list[int]) -> None:
    schedule = connect_schedule(plan)
    planned = [schedule.instant(0, number)[0] for number in range(plan.connections)]
    assert planned == pytest.approx([ms * MS for ms in instants_ms], abs=10)


def test_a_climbing_schedule() -> None:
    plan = ConnectPlan(url="ws://h/", connections=100, connect_rate="0.5/s..199.5/s")
    schedule = connect_schedule(plan)
    planned = [schedule.instant(0, number)[0] for number in range(100)]
    assert planned == sorted(planned)
    # A hundred in a second; as the rate grows from next to nothing, a quarter in the first half.
    assert planned[-1] < plan.connect_span_ns
    assert plan.connect_span_ns == pytest.approx(S, rel=0.01)
    assert 24 <= sum(instant < S // 2 for instant in planned) <= 27
