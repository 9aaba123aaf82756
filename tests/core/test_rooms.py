"""The rooms against plain lists, by several processes at once, and with processes killed."""

import importlib.util
import mmap
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from numpy.typing import NDArray

from surgewire._core.rooms import FIRST, GONE, LAST, MEDIAN, Rooms, memory_bytes

SOURCES = Path(__file__).parents[2] / "src"
LATENCY_MAX = 2**42 - 1


def shared(size: int) -> NDArray[np.uint8]:
    return np.frombuffer(mmap.mmap(-1, size), np.uint8)


def fresh(workers: int = 1, rooms: int = 1, slots: int = 4, *, apart: bool = False) -> list[Rooms]:
    """The same rooms as each of the workers sees them."""
    memory = shared(memory_bytes(workers, rooms, slots, apart))
    return [
        Rooms(memory, workers=workers, rooms=rooms, slots=slots, worker=worker, apart=apart)
        for worker in range(workers)
    ]


def expected(rooms: Rooms) -> list[list[int]]:
    out = np.full((rooms.workers, rooms.rows), 12345, np.uint64)
    rooms.expected(out)
    return [list(map(int, row)) for row in out]


class Accounts(RuleBasedStateMachine):
    """Three workers, whose users come and go while messages flow; some are kept apart."""

    workers, rooms, slots = 3, 2, 4

    def __init__(self) -> None:
        super().__init__()
        self.views = fresh(self.workers, self.rooms, self.slots, apart=True)
        self.sent: Counter[tuple[int, int]] = Counter()
        self.members: dict[tuple[int, int], int] = Counter()
        self.owed: Counter[tuple[int, int]] = Counter()
        self.messages: dict[tuple[int, int, int], tuple[int, int, list[int]]] = {}

    worker_numbers = st.integers(0, workers - 1)
    room_numbers = st.integers(0, rooms - 1)
    row_numbers = st.integers(0, 2 * rooms - 1)

    @rule(worker=worker_numbers, row=row_numbers)
    def joins(self, worker: int, row: int) -> None:
        first = self.views[worker].join_room(row)
        assert first == [self.sent[w, row % self.rooms] + 1 for w in range(self.workers)]
        self.members[worker, row] += 1

    @rule(worker=worker_numbers, row=row_numbers)
    def leaves(self, worker: int, row: int) -> None:
        if self.members[worker, row]:
            last = self.views[worker].leave_room(row)
            assert last == [self.sent[w, row % self.rooms] for w in range(self.workers)]
            self.members[worker, row] -= 1
        else:
            with pytest.raises(ValueError, match=f"no user of worker {worker} is in room {row}"):
                self.views[worker].leave_room(row)

    @rule(
        worker=worker_numbers, room=room_numbers, messages=st.integers(1, 6),
        fewer=st.integers(0, 1), user=st.integers(0, 9),
    )  # fmt: skip
    def sends(self, worker: int, room: int, messages: int, fewer: int, user: int) -> None:
        for _ in range(messages):
            receivers = max(0, self.views[worker].listeners_of(room) - fewer)
            self.sent[worker, room] += 1
            number = self.sent[worker, room]
            assert self.views[worker].publish_number(room, user, receivers) == number
            self.messages[worker, room, number] = (user, receivers, [])
            for member in range(self.workers):
                for row in (room, self.rooms + room):
                    self.owed[member, row] += self.members[member, row]

    def alive(self, worker: int, room: int, number: int) -> bool:
        return 0 <= self.sent[worker, room] - number < self.slots and number > 0

    @rule(
        by=worker_numbers, worker=worker_numbers, room=room_numbers, back=st.integers(-1, 6),
        latency=st.sampled_from([-5, 0, 1, 70, 10**9, LATENCY_MAX, LATENCY_MAX + 1, 2**62]),
        times=st.integers(1, 4),
    )  # fmt: skip
    def arrives(self, by: int, worker: int, room: int, back: int, latency: int, times: int) -> None:
        number = max(0, self.sent[worker, room] - back)
        for _ in range(times):
            booked = self.views[by].book_spread(worker, room, number, latency)
            assert booked == self.booked(worker, room, number, latency)

    def booked(self, worker: int, room: int, number: int, latency: int) -> tuple[int, int | None]:
        if not self.alive(worker, room, number):
            return GONE, None
        _, receivers, latencies = self.messages[worker, room, number]
        latencies.append(min(max(latency, 0), LATENCY_MAX))
        part = 0
        if len(latencies) == 1 and receivers:
            part |= FIRST
        if receivers and len(latencies) == -(-receivers // 2):
            part |= MEDIAN
        if len(latencies) == receivers:
            return part | LAST, max(latencies)
        return part, latencies[-1] if part else None

    @rule(
        by=worker_numbers, worker=worker_numbers, room=room_numbers, back=st.integers(-1, 6),
        user=st.integers(0, 9),
    )  # fmt: skip
    def somebody_asks_for_the_sender(
        self, by: int, worker: int, room: int, back: int, user: int
    ) -> None:
        number = max(0, self.sent[worker, room] - back)
        own = self.alive(worker, room, number) and self.messages[worker, room, number][0] == user
        assert self.views[by].was_sent_by(worker, room, number, user) == own

    @invariant()
    def all_see_the_same(self) -> None:
        for view in self.views:
            assert expected(view) == [
                [self.owed[worker, row] for row in range(2 * self.rooms)]
                for worker in range(self.workers)
            ]
            for room in range(self.rooms):
                here = sum(self.members[worker, room] for worker in range(self.workers))
                assert view.listeners_of(room) == here
            for worker in range(self.workers):
                there = sum(self.members[worker, row] for row in range(2 * self.rooms))
                assert view.listeners_by_worker(worker) == there
                for room in range(self.rooms):
                    assert view.last_number(worker, room) == self.sent[worker, room]

    @rule(worker=worker_numbers)
    def dies(self, worker: int) -> None:
        self.views[0].bury(worker)
        for row in range(2 * self.rooms):
            self.members[worker, row] = 0


TestAccounts: Any = Accounts.TestCase
TestAccounts.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize(
    ("receivers", "parts"),
    [
        (0, [0, 0]),
        (1, [FIRST | MEDIAN | LAST, 0]),
        (2, [FIRST | MEDIAN, LAST, 0]),
        (3, [FIRST, MEDIAN, LAST, 0]),
        (4, [FIRST, MEDIAN, 0, LAST]),
        (5, [FIRST, 0, MEDIAN, 0, LAST, 0]),
    ],
)
def test_which_arrival_is_what(receivers: int, parts: list[int]) -> None:
    [rooms] = fresh()
    rooms.publish_number(0, 7, receivers)
    assert [rooms.book_spread(0, 0, 1, 10)[0] for _ in parts] == parts


def test_the_time_to_the_last_is_the_greatest_of_the_message() -> None:
    [rooms] = fresh()
    rooms.publish_number(0, 7, 4)
    booked = [rooms.book_spread(0, 0, 1, latency) for latency in (30, 90, 40, 20)]
    assert booked == [(FIRST, 30), (MEDIAN, 90), (0, None), (LAST, 90)]


def test_a_slot_used_again_starts_clean() -> None:
    [rooms] = fresh(slots=1)
    for number in range(1, 5):
        assert rooms.publish_number(0, number, 2) == number
        assert rooms.book_spread(0, 0, number - 1, 99) == (GONE, None)
        assert rooms.book_spread(0, 0, number, number) == (FIRST | MEDIAN, number)
        assert not rooms.was_sent_by(0, 0, number - 1, number - 1)
        assert rooms.was_sent_by(0, 0, number, number)
    assert rooms.book_spread(0, 0, 4, 2) == (LAST, 4)


def test_numbers_taken_back_are_given_again() -> None:
    mine, other = fresh(workers=2, slots=2)
    mine.join_room(0)
    assert [mine.publish_number(0, user, 1) for user in (4, 5, 6)] == [1, 2, 3]
    mine.retract_numbers(0, 2)
    assert (other.last_number(0, 0), expected(mine)) == (1, [[1], [0]])
    # Its slot was made ready for the third message, and nobody can tell any more.
    assert other.book_spread(0, 0, 1, 5) == (GONE, None)
    assert not other.was_sent_by(0, 0, 1, 4)
    assert other.book_spread(0, 0, 2, 5) == other.book_spread(0, 0, 3, 5) == (GONE, None)
    assert mine.publish_number(0, 8, 1) == 2
    assert other.was_sent_by(0, 0, 2, 8)
    assert other.book_spread(0, 0, 2, 5) == (FIRST | MEDIAN | LAST, 5)
    assert expected(mine) == [[2], [0]]
    with pytest.raises(ValueError, match="count is 3, of 2 numbers"):
        mine.retract_numbers(0, 3)


def test_what_a_process_left_half_written_is_not_seen() -> None:
    memory = shared(memory_bytes(1, 1, 1))
    rooms = Rooms(memory, workers=1, rooms=1, slots=1, worker=0)
    presence = memory[64:104].view(np.uint64)  # version, listeners[2], base[2]
    for joined in range(1, 6):
        rooms.publish_number(0, 0, 0)
        rooms.join_room(0)
        assert presence[0] == joined
        other = 1 - joined % 2
        presence[1 + other] = 0xDEAD  # killed between the two
        due = sum(range(joined))  # those before heard the later ones
        assert (rooms.listeners_of(0), expected(rooms)) == (joined, [[due]])
        presence[3 + other] = 0xBEEF  # killed before the version
        assert (rooms.listeners_of(0), expected(rooms)) == (joined, [[due]])
    rooms.bury(0)
    rooms.publish_number(0, 0, 0)
    assert (rooms.listeners_of(0), expected(rooms)) == (0, [[10]])


@contextmanager
def children(works: list[Callable[[], None]]) -> Iterator[list[int]]:
    """Run each work in a process of its own; kills what has not ended."""
    pids = []
    for work in works:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                work()
                code = 0
            finally:
                os._exit(code)
        pids.append(pid)
    try:
        yield pids
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def wait_for(pids: list[int]) -> None:
    """Wait until each has ended well; they stay to be collected."""
    for pid in pids:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        assert (ended.si_code, ended.si_status) == (os.CLD_EXITED, 0)


WORKERS, ROOMS, MESSAGES = 4, 2, 2000
NUMBERS = MESSAGES + 1


class Hammer:
    """One worker of several: sends, follows all streams, and lets users come and go."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.memory = shared(memory_bytes(WORKERS, ROOMS, slots))
        # Of each worker: arrivals and their parts, by stream and number; what users were to hear.
        shape = (WORKERS, 5, WORKERS, ROOMS, NUMBERS)
        self.parts = shared(int(np.prod(shape)) * 8).view(np.int64).reshape(shape)
        self.heard = shared(WORKERS * ROOMS * 8).view(np.int64).reshape(WORKERS, ROOMS)

    def view(self, worker: int | None = None) -> Rooms:
        return Rooms(self.memory, workers=WORKERS, rooms=ROOMS, slots=self.slots, worker=worker)

    def work(self, worker: int) -> None:
        rooms = self.view(worker)
        chance = random.Random(worker)
        users: list[tuple[int, list[int]]] = []
        cursors = {(w, room): 0 for w in range(WORKERS) for room in range(ROOMS)}
        sent = [0] * ROOMS
        while users or min(cursors.values()) < MESSAGES:
            for room in range(ROOMS):
                if sent[room] < MESSAGES:
                    sent[room] = rooms.publish_number(room, worker, WORKERS)
            if chance.random() < 0.6 and min(sent) < MESSAGES:
                room = chance.randrange(ROOMS)
                users.append((room, rooms.join_room(room)))
            elif users:
                room, first = users.pop(chance.randrange(len(users)))
                last = rooms.leave_room(room)
                heard = [b - a + 1 for a, b in zip(first, last, strict=True)]
                assert min(heard) >= 0
                self.heard[worker, room] += sum(heard)
            self.follow(rooms, worker, cursors)

    def follow(self, rooms: Rooms, worker: int, cursors: dict[tuple[int, int], int]) -> None:
        for (w, room), cursor in cursors.items():
            last = rooms.last_number(w, room)
            cursors[w, room] = last
            for number in range(cursor + 1, last + 1):
                part, spread = rooms.book_spread(w, room, number, number * 10 + worker)
                into = self.parts[worker, :, w, room, number]
                into[0] = part != GONE
                into[1:4] = [part & FIRST != 0, part & MEDIAN != 0, part & LAST != 0]
                into[4] = spread or 0

    def run(self) -> None:
        with children([partial(self.work, worker) for worker in range(WORKERS)]) as pids:
            out = np.zeros((WORKERS, ROOMS), np.uint64)
            looking = self.view()
            while os.waitid(os.P_PID, pids[-1], os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                looking.expected(out)
                for room in range(ROOMS):
                    assert looking.listeners_of(room) <= WORKERS * ROOMS * MESSAGES
            wait_for(pids)


def test_processes_at_once_lose_nothing() -> None:
    hammer = Hammer(slots=2048)
    hammer.run()
    assert expected(hammer.view()) == hammer.heard.tolist()
    assert hammer.heard.sum() > 0
    sums = hammer.parts.sum(axis=0)[..., 1:]
    assert (sums[0] == WORKERS).all()
    for part in (1, 2, 3):
        assert (sums[part] == 1).all()
    numbers = np.arange(1, NUMBERS)
    spread, is_last = hammer.parts[:, 4, :, :, 1:], hammer.parts[:, 3, :, :, 1:] == 1
    greatest = np.broadcast_to(numbers * 10 + WORKERS - 1, spread.shape)
    assert (spread[is_last] == greatest[is_last]).all()


def test_slots_used_again_while_others_count_mix_no_messages() -> None:
    hammer = Hammer(slots=2)
    hammer.run()
    assert expected(hammer.view()) == hammer.heard.tolist()
    sums = hammer.parts.sum(axis=0)[..., 1:]
    counted = sums[0]
    for part, at_least in ((1, 1), (2, 2), (3, WORKERS)):
        assert (sums[part] == (counted >= at_least)).all()
    numbers = np.arange(1, NUMBERS)
    spread, is_last = hammer.parts[:, 4, :, :, 1:], hammer.parts[:, 3, :, :, 1:] == 1
    greatest = np.broadcast_to(numbers * 10 + WORKERS - 1, spread.shape)
    assert (spread[is_last] == greatest[is_last]).all()
    some = spread > 0
    assert (spread[some] // 10 == np.broadcast_to(numbers, spread.shape)[some]).all()


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A loop at the speed of C, which meets what the skins are too slow for."""
    where = tmp_path_factory.mktemp("hammer")
    source = shutil.copy(Path(__file__).with_name("hammer.pyx"), where)
    program = (
        "from Cython.Build import cythonize\n"
        "from setuptools import Extension, setup\n"
        f"setup(ext_modules=cythonize([Extension('hammer', [{source!r}])], language_level=3,\n"
        f"      include_path=[{str(SOURCES)!r}], compiler_directives={{'cdivision': True}}))\n"
    )
    command = [sys.executable, "-c", program, "-q", "build_ext", "--inplace"]
    subprocess.run(command, cwd=where, check=True, capture_output=True)
    [built] = where.glob("hammer*.so")
    spec = importlib.util.spec_from_file_location("hammer", built)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("slots", [1, 2])
def test_late_arrivals_never_count_in_the_next_message(native: Any, slots: int) -> None:
    workers, messages = 2, 20_000
    memory = shared(memory_bytes(workers, 1, slots))
    progress = shared(workers * workers * 8).view(np.uint64).reshape(workers, workers)
    wrong = shared(workers * 8).view(np.uint64)
    shape = (workers, 4, workers, messages + 1)
    parts = shared(int(np.prod(shape))).reshape(shape)

    def work(me: int) -> None:
        rooms = Rooms(memory, workers=workers, rooms=1, slots=slots, worker=me)
        native.hammer(rooms, me, messages, progress, parts[me], wrong[me : me + 1])

    with children([partial(work, worker) for worker in range(workers)]) as pids:
        wait_for(pids)
    arrivals, first, median, last = parts.sum(axis=0, dtype=np.int64)[..., 1:]
    assert (arrivals >= 1).all()  # the sender's own comes at once
    assert (first == 1).all()
    assert (median == (arrivals >= (workers + 1) // 2)).all()
    assert (last == (arrivals == workers)).all()
    assert not wrong.any()


def test_a_presence_is_whole_wherever_its_process_is_killed() -> None:
    slots, rooms = 2, 2
    memory = shared(memory_bytes(2, rooms, slots))
    looking = Rooms(memory, workers=2, rooms=rooms, slots=slots)
    sender = Rooms(memory, workers=2, rooms=rooms, slots=slots, worker=1)
    for room in range(rooms):
        for _ in range(1000 + room):
            sender.publish_number(room, 0, 0)

    def come_and_go() -> None:
        own = Rooms(memory, workers=2, rooms=rooms, slots=slots, worker=0)
        while True:
            for room in range(rooms):
                own.join_room(room)
                own.join_room(room)
                own.leave_room(room)
                own.join_room(room)
                own.leave_room(room)
                own.leave_room(room)

    chance = random.Random(1)
    versions = memory[128:208].view(np.uint64)[[0, 5]]
    for _ in range(30):
        with children([come_and_go]):
            time.sleep(chance.uniform(0.001, 0.004))
        # Nothing was sent meanwhile, so whoever came and went, nobody has anything to hear:
        # unless listeners and base are of two different instants.
        assert expected(looking) == [[0, 0], [0, 0]]
        assert all(looking.listeners_of(room) <= 2 for room in range(rooms))
        looking.bury(0)
        assert looking.listeners_by_worker(0) == 0
        assert expected(looking) == [[0, 0], [0, 0]]
    assert (memory[128:208].view(np.uint64)[[0, 5]] > versions).all()


def test_who_is_buried_expects_no_more() -> None:
    mine, other = fresh(workers=2)
    mine.join_room(0)
    other.join_room(0)
    other.publish_number(0, 1, 2)
    mine.bury(1)
    mine.bury(1)
    mine.publish_number(0, 0, 1)
    assert expected(mine) == [[2], [1]]
    assert (mine.listeners_of(0), mine.listeners_by_worker(1)) == (1, 0)


def test_memory_in_figures() -> None:
    assert memory_bytes(1, 1, 1) == 3 * 64
    assert memory_bytes(2, 100, 128) == 2 * (832 + 4032 + 100 * 128 * 32)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_rooms_in_which_nobody_speaks_cost_no_slots() -> None:
    def resident_bytes() -> int:
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096

    before = resident_bytes()
    rooms = fresh(4, 10_000, 64)
    assert memory_bytes(4, 10_000, 64) > 79 << 20
    for room in range(10_000):
        rooms[0].join_room(room)
    assert sum(map(sum, expected(rooms[0]))) == 0
    assert resident_bytes() - before < 6 << 20


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"workers": 0}, "workers is 0; it must lie in 1 to 1024"),
        ({"workers": 1025}, "workers is 1025"),
        ({"rooms": 0}, "rooms is 0; it must lie in 1 to 1073741824"),
        ({"rooms": 2**30 + 1}, "rooms is 1073741825"),
        ({"slots": 0}, r"slots is 0; use a power of two, 1 to 2\*\*20"),
        ({"slots": 3}, "slots is 3; use a power of two"),
        ({"slots": 2**21}, "slots is 2097152"),
        ({"worker": 2}, "worker is 2; it must lie in 0 to 1"),
        ({"worker": -1}, "worker is -1"),
        ({"rooms": 9}, "memory has 384 bytes; it must have 1664"),
    ],
)
def test_refuses_a_wrong_set_up(given: dict[str, int], message: str) -> None:
    right: dict[str, int] = {"workers": 2, "rooms": 1, "slots": 1, "worker": 0}
    with pytest.raises(ValueError, match=message):
        Rooms(shared(memory_bytes(2, 1, 1)), **(right | given))


def test_refuses_memory_that_does_not_do() -> None:
    memory = shared(1024)
    with pytest.raises(ValueError, match="an address that 64 divides"):
        Rooms(memory[8:], workers=1, rooms=1, slots=1)
    memory.setflags(write=False)
    with pytest.raises(ValueError, match="read-only"):
        Rooms(memory, workers=1, rooms=1, slots=1)


def test_refuses_wrong_calls() -> None:
    memory = shared(memory_bytes(1, 2, 1))
    rooms = Rooms(memory, workers=1, rooms=2, slots=1, worker=0)
    looking = Rooms(memory, workers=1, rooms=2, slots=1)
    wrong: list[tuple[Any, str]] = [
        (lambda: rooms.join_room(2), "room is 2; it must lie in 0 to 1"),
        (lambda: rooms.publish_number(-1, 0, 0), "room is -1"),
        (lambda: rooms.last_number(1, 0), "worker is 1; it must lie in 0 to 0"),
        (lambda: rooms.bury(1), "worker is 1"),
        (lambda: rooms.expected(np.zeros((2, 2), np.uint64)), "out has 2 x 2 places"),
        (lambda: looking.join_room(0), "only looked at"),
        (lambda: looking.leave_room(0), "only looked at"),
        (lambda: looking.publish_number(0, 0, 0), "only looked at"),
        (lambda: looking.retract_numbers(0, 0), "only looked at"),
    ]
    for call, message in wrong:
        with pytest.raises(ValueError, match=message):
            call()
    assert not memory.any()
