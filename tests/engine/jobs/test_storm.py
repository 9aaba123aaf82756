import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from surgewire.engine.jobs.storm import Storm, leavers_of
from surgewire.plan.models import ConnectPlan


def plan(**values: Any) -> ConnectPlan:
    given = {"url": "ws://h/", "storm": 100, "reconnect_storm": "20%"}
    return ConnectPlan(**(given | values))


def test_all_workers_agree_on_who_leaves() -> None:
    chosen = leavers_of(plan(), range(100))
    assert len(chosen) == 20
    halves = [leavers_of(plan(), range(worker, 100, 2)) for worker in range(2)]
    assert sorted(halves[0] + halves[1]) == chosen
    assert leavers_of(plan(seed=2), range(100)) != chosen
    assert leavers_of(plan(reconnect_storm="100%"), range(1, 100, 2)) == list(range(1, 100, 2))


class Stage:
    """A storm in a loop, and what it asks for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, **values: Any) -> None:
        self.tries: list[int] = []
        self.absent: set[int] = set()
        self.left: list[int] = []
        self.storm = Storm(
            loop,
            plan(**values),
            range(100),
            come_back=lambda user, _planned_ns: self.tries.append(user),
            leave=self._leave,
        )

    def _leave(self, user: int) -> bool:
        if user in self.absent:
            return False
        self.left.append(user)
        return True


def on_stage(act: Callable[[Stage], Any], **values: Any) -> Stage:
    async def play() -> Stage:
        stage = Stage(asyncio.get_running_loop(), **values)
        try:
            await act(stage)
        finally:
            stage.storm.close()
        return stage

    return uvloop.run(play())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def test_each_comes_back_when_nothing_is_left_of_its_connection() -> None:
    async def act(stage: Stage) -> None:
        assert not stage.storm.pending
        stage.absent = set(leavers_of(plan(), range(100))[:5])
        assert await stage.storm.strike() == 15
        assert stage.storm.pending
        assert stage.tries == []
        for user in stage.left:
            stage.storm.gone(user)
        await until(lambda: len(stage.tries) == 15)
        assert not stage.storm.pending
        assert all(stage.storm.came(user) for user in stage.tries)
        assert not stage.storm.came(stage.tries[0])

    stage = on_stage(act)
    assert sorted(stage.tries) == sorted(stage.left)


@pytest.mark.parametrize(("reconnect", "tries"), [(None, 1), ("10ms..20ms", 3)])
def test_only_with_backoff_does_anybody_try_again(reconnect: str | None, tries: int) -> None:
    async def act(stage: Stage) -> None:
        await stage.storm.strike()
        stage.storm.gone(stage.left[0])
        await until(lambda: len(stage.tries) == 1)
        for number in range(1, tries):
            stage.storm.failed(stage.left[0])
            await until(lambda wanted=number + 1: len(stage.tries) == wanted)
        stage.storm.stop()
        stage.storm.failed(stage.left[0])
        assert not stage.storm.pending

    given = {} if reconnect is None else {"reconnect": reconnect}
    assert len(on_stage(act, **given).tries) == tries


def test_who_never_left_is_not_brought_back() -> None:
    async def act(stage: Stage) -> None:
        await stage.storm.strike()
        stranger = next(user for user in range(100) if user not in stage.left)
        stage.storm.gone(stranger)
        stage.storm.failed(stranger)
        assert not stage.storm.came(stranger)
        await asyncio.sleep(0.01)
        assert stage.tries == []

    on_stage(act, reconnect="10ms..10ms")
