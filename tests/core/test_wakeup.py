"""The wake-up of a loop at an absolute instant, on asyncio and uvloop, with and without timerfd."""

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest
import uvloop

from surgewire._core.clock import now_ns
from surgewire._core.wakeup import Wakeup

MS = 1_000_000


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> Iterator[asyncio.AbstractEventLoop]:
    loop = request.param()
    yield loop
    loop.close()


@pytest.fixture(params=[True, False], ids=["timerfd", "call_at"])
def precise(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


class Bell:
    """Counts the calls, and ends the loop's run after as many as are waited for."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wanted: int = 1) -> None:
        self.loop = loop
        self.wanted = wanted
        self.rung_ns: list[int] = []
        self.then: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        self.rung_ns.append(now_ns())
        self.then()
        if len(self.rung_ns) == self.wanted:
            self.loop.stop()

    def wait(self, timeout_s: float = 5.0) -> None:
        guard = self.loop.call_later(timeout_s, self.loop.stop)
        self.loop.run_forever()
        guard.cancel()
        assert len(self.rung_ns) >= self.wanted, "the wake-up did not come"


def rounds(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    loop.run_until_complete(asyncio.sleep(seconds))


def test_fires_once_and_not_before_the_instant(
    loop: asyncio.AbstractEventLoop, precise: bool
) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    try:
        assert wakeup.precise is precise
        instant_ns = now_ns() + 5 * MS + 123_457
        wakeup.arm(instant_ns)
        assert wakeup.armed_ns == instant_ns
        bell.wait()
        rounds(loop, 0.01)
        assert len(bell.rung_ns) == 1
        assert instant_ns <= bell.rung_ns[0] < instant_ns + 500 * MS
        assert wakeup.armed_ns == 0
    finally:
        wakeup.close()


@pytest.mark.parametrize("instant_ns", [-(2**63), -1, 0, 1, 1_000_000_000])
def test_an_instant_in_the_past_fires_at_once(
    loop: asyncio.AbstractEventLoop, precise: bool, instant_ns: int
) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    try:
        wakeup.arm(instant_ns)
        bell.wait()
    finally:
        wakeup.close()


def test_the_callback_can_arm_again(loop: asyncio.AbstractEventLoop, precise: bool) -> None:
    bell = Bell(loop, wanted=5)
    wakeup = Wakeup(loop, bell, precise=precise)
    try:
        first_ns = now_ns() + 2 * MS
        planned = [first_ns + i * 2 * MS for i in range(5)]
        bell.then = lambda: (
            wakeup.arm(planned[len(bell.rung_ns)]) if len(bell.rung_ns) < len(planned) else None
        )
        wakeup.arm(first_ns)
        bell.wait()
        assert all(rung >= due for rung, due in zip(bell.rung_ns, planned, strict=True))
    finally:
        wakeup.close()


def test_a_later_instant_replaces_an_earlier_one(
    loop: asyncio.AbstractEventLoop, precise: bool
) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    try:
        start_ns = now_ns()
        wakeup.arm(start_ns + 1 * MS)
        wakeup.arm(start_ns + 20 * MS)
        wakeup.arm(start_ns + 20 * MS)
        bell.wait()
        assert bell.rung_ns[0] >= start_ns + 20 * MS
    finally:
        wakeup.close()


def test_disarmed_it_stays_silent(loop: asyncio.AbstractEventLoop, precise: bool) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    try:
        wakeup.arm(now_ns() + 1 * MS)
        wakeup.disarm()
        wakeup.disarm()
        rounds(loop, 0.02)
        assert bell.rung_ns == []
    finally:
        wakeup.close()


def test_moved_in_the_same_round_it_does_not_fire_early(
    loop: asyncio.AbstractEventLoop, precise: bool
) -> None:
    """Two timers due in one round of the loop: the first to run postpones the other."""
    bell = Bell(loop)
    pair: list[Wakeup] = []
    moved_ns = now_ns() + 30 * MS

    def postpone(other: int) -> None:
        bell()
        pair[other].arm(moved_ns)

    pair += [Wakeup(loop, partial(postpone, 1 - i), precise=precise) for i in range(2)]
    try:
        bell.wanted = 2
        for wakeup in pair:
            wakeup.arm(1)
        bell.wait()
        assert bell.rung_ns[0] < moved_ns <= bell.rung_ns[1]
    finally:
        for wakeup in pair:
            wakeup.close()


class TroubleError(Exception):
    pass


@pytest.mark.parametrize("trouble", [False, True], ids=["returns", "raises"])
def test_the_loop_does_not_spin_after_the_callback(
    loop: asyncio.AbstractEventLoop, trouble: bool
) -> None:
    """The descriptor is level-triggered: it must not be left readable."""
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell)
    seen: list[object] = []
    loop.set_exception_handler(lambda _, context: seen.append(context["exception"]))

    def then() -> None:
        loop.stop()
        if trouble:
            raise TroubleError

    bell.then = then
    try:
        wakeup.arm(1)
        bell.wait()
        rounds(loop, 0)
        with pytest.raises(BlockingIOError):
            os.read(wakeup.fd, 8)
        assert [type(error) for error in seen] == ([TroubleError] if trouble else [])
    finally:
        wakeup.close()


def test_close_releases_the_descriptor(loop: asyncio.AbstractEventLoop, precise: bool) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    fd = wakeup.fd
    wakeup.arm(now_ns() + 1 * MS)
    wakeup.close()
    wakeup.close()
    assert wakeup.closed
    assert wakeup.fd == -1
    if precise:
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(fd)
    with pytest.raises(ValueError, match="closed"):
        wakeup.arm(1)
    wakeup.disarm()
    rounds(loop, 0.01)
    assert bell.rung_ns == []


def test_close_inside_the_callback(loop: asyncio.AbstractEventLoop, precise: bool) -> None:
    bell = Bell(loop)
    wakeup = Wakeup(loop, bell, precise=precise)
    bell.then = wakeup.close
    wakeup.arm(1)
    bell.wait()
    assert wakeup.closed


def test_close_after_the_loop_was_closed() -> None:
    for new in (asyncio.new_event_loop, uvloop.new_event_loop):
        loop = new()
        wakeup = Wakeup(loop, lambda: None)
        fd = wakeup.fd
        loop.close()
        with contextlib.suppress(RuntimeError):
            wakeup.close()
        with pytest.raises(OSError, match="descriptor"):
            os.fstat(fd)


def test_a_wakeup_never_closed_gives_its_descriptor_back() -> None:
    loop = asyncio.new_event_loop()
    wakeup = Wakeup(loop, lambda: None)
    fd = wakeup.fd
    loop.remove_reader(fd)
    loop.close()
    del wakeup
    with pytest.raises(OSError, match="descriptor"):
        os.fstat(fd)


def test_refuses_what_cannot_be_called(loop: asyncio.AbstractEventLoop) -> None:
    with pytest.raises(TypeError, match="callback must be callable, not int"):
        Wakeup(loop, 3)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Wakeup(None, print)  # type: ignore[arg-type]
