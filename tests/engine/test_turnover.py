"""Users that go and come back, in a test's loop."""

import asyncio
from collections.abc import Awaitable, Callable

import uvloop

from surgewire._core.clock import now_ns
from surgewire.engine.backoff import Backoff
from surgewire.engine.churn import Churn
from surgewire.engine.returns import Returns
from surgewire.engine.turnover import Turnover

MS = 1_000_000
S = 1_000_000_000


class Stage:
    """A turnover and what it has asked for."""

    def __init__(self, *, reconnect: bool, churn: bool) -> None:
        self.came: list[tuple[int, int]] = []
        self.went: list[int] = []
        backoff = Backoff(5 * MS, 10 * MS, seed=1) if reconnect else None
        leaves = Churn(
            range(4), connections=4, workers=1, worker=0, share_ppm=10**6, per_ns=S // 5, seed=1
        )
        self.turnover = Turnover(
            asyncio.get_running_loop(),
            Returns(backoff, spacing_ns=2 * MS),
            leaves if churn else None,
            come_back=lambda user, planned_ns: self.came.append((user, planned_ns)),
            leave=self.went.append,
            is_there=lambda user: user not in self.went,
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it never came to that")


def play(
    test: Callable[[Stage], Awaitable[None]], *, reconnect: bool = True, churn: bool = False
) -> None:
    async def on_a_loop() -> None:
        stage = Stage(reconnect=reconnect, churn=churn)
        try:
            await test(stage)
        finally:
            stage.turnover.close()

    uvloop.run(on_a_loop())


def test_nobody_comes_back_before_it_is_open() -> None:
    async def test(stage: Stage) -> None:
        stage.turnover.failed(1)
        assert stage.turnover.awaits
        await asyncio.sleep(0.05)
        assert stage.came == []
        stage.turnover.open()
        await stage.until(lambda: len(stage.came) == 1)
        assert stage.came[0][0] == 1
        assert stage.came[0][1] <= now_ns()

    play(test)


def test_all_come_back_in_their_time() -> None:
    async def test(stage: Stage) -> None:
        stage.turnover.open()
        for user in range(10):
            stage.turnover.failed(user)
        await stage.until(lambda: len(stage.came) == 10)
        assert sorted(user for user, _ in stage.came) == list(range(10))
        instants = [planned_ns for _, planned_ns in stage.came]
        assert instants[-1] - instants[0] >= 9 * 2 * MS

    play(test)


def test_who_left_comes_back_without_backoff() -> None:
    async def test(stage: Stage) -> None:
        stage.turnover.open()
        assert not stage.turnover.awaits
        stage.turnover.failed(1)
        assert not stage.turnover.awaits
        stage.turnover.joined(2)
        stage.turnover.left(2)
        await stage.until(lambda: len(stage.came) == 1)
        assert stage.came[0][0] == 2

    play(test, reconnect=False)


def test_users_leave_at_their_instants() -> None:
    async def test(stage: Stage) -> None:
        begun_ns = now_ns() + 10 * MS
        stage.turnover.begin(begun_ns)
        await stage.until(lambda: len(stage.went) == 4)
        assert sorted(stage.went) == [0, 1, 2, 3]
        assert now_ns() >= begun_ns + S // 5

    play(test, churn=True)


def test_nobody_goes_or_comes_after_the_end() -> None:
    async def test(stage: Stage) -> None:
        stage.turnover.open()
        stage.turnover.begin(now_ns())
        stage.turnover.failed(1)
        stage.turnover.stop()
        stage.turnover.failed(2)
        stage.turnover.left(3)
        assert not stage.turnover.awaits
        await asyncio.sleep(0.1)
        assert stage.came == []
        assert stage.went == []

    play(test, churn=True)
