from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.rooms import RoomLayout
from surgewire.plan.units import PPM

LAYOUTS = st.builds(
    lambda rooms, more, processes, ppm: RoomLayout(rooms + more, rooms, processes, ppm),
    st.integers(1, 40),
    st.integers(0, 200),
    st.integers(1, 9),
    st.integers(1, PPM) | st.sampled_from([1, PPM // 10, PPM // 2, PPM]),
)


def speakers(layout: RoomLayout, room: int) -> list[int]:
    return [user for user in layout.members(room) if layout.speaks(user)]


@given(LAYOUTS)
def test_rooms_are_contiguous_and_of_one_size(layout: RoomLayout) -> None:
    rooms = [layout.members(room) for room in range(layout.rooms)]
    assert [user for room in rooms for user in room] == list(range(layout.connections))
    assert all(layout.room_of(user) == i for i, room in enumerate(rooms) for user in room)
    sizes = {len(room) for room in rooms}
    assert max(sizes) - min(sizes) <= 1
    assert layout.smallest == min(sizes) >= 1


@given(LAYOUTS)
def test_senders_are_numbered_without_a_gap(layout: RoomLayout) -> None:
    numbers = [layout.number_of(user) for user in range(layout.connections)]
    spoken = [number for number in numbers if number >= 0]
    assert sorted(spoken) == list(range(layout.senders))
    assert [number >= 0 for number in numbers] == [
        layout.speaks(user) for user in range(layout.connections)
    ]


@given(LAYOUTS)
def test_each_room_has_a_voice(layout: RoomLayout) -> None:
    assert all(speakers(layout, room) for room in range(layout.rooms))


@given(LAYOUTS)
def test_rooms_take_turns(layout: RoomLayout) -> None:
    by_number = {layout.number_of(user): user for user in range(layout.connections)}
    rooms = [layout.room_of(by_number[number]) for number in range(layout.senders)]
    rounds = Counter[int]()
    for room in rooms:
        rounds[room] += 1
        # Nobody speaks twice before all who still have something to say have spoken.
        waiting = [r for r in range(layout.rooms) if len(speakers(layout, r)) >= rounds[room]]
        assert min(rounds[r] for r in waiting) >= rounds[room] - 1


@given(connections=st.integers(1, 400), processes=st.integers(1, 9), ppm=st.integers(1, PPM))
def test_share_of_one_room_is_the_share_asked_for(
    connections: int, processes: int, ppm: int
) -> None:
    layout = RoomLayout(connections, 1, processes, ppm)
    assert layout.senders == max(1, connections * ppm // PPM)
    everybody = RoomLayout(connections, 1, processes, PPM)
    assert everybody.senders == connections


@given(
    rooms=st.integers(1, 30),
    processes=st.integers(2, 4),
    blocks=st.integers(1, 9),
    ppm=st.integers(1, PPM),
)
def test_those_who_speak_are_spread_over_the_workers(
    rooms: int, processes: int, blocks: int, ppm: int
) -> None:
    layout = RoomLayout(rooms * processes * blocks, rooms, processes, ppm)
    for room in range(rooms):
        of_workers = Counter(user % processes for user in speakers(layout, room))
        counts = [of_workers[worker] for worker in range(processes)]
        assert max(counts) - min(counts) <= 1
    # Those who speak one after the other, each in its room, belong to different workers.
    by_number = {layout.number_of(user): user for user in range(layout.connections)}
    first_round = [by_number[number] % processes for number in range(rooms)]
    assert first_round == [room % processes for room in range(rooms)]


@pytest.mark.parametrize(
    ("connections", "rooms", "ppm", "senders"),
    [
        (10_000, 100, PPM // 10, 1000),
        (10_000, 100, PPM, 10_000),
        (10_000, 1, 1, 1),
        (50, 50, 1, 50),
    ],
)
def test_numbers_of_senders(connections: int, rooms: int, ppm: int, senders: int) -> None:
    assert RoomLayout(connections, rooms, 2, ppm).senders == senders


def test_the_largest_run_is_laid_out_at_once() -> None:
    layout = RoomLayout(1_000_000, 100_000, 16, PPM // 3)
    assert layout.members(99_999) == range(999_990, 1_000_000)
    assert 300_000 < layout.senders < 400_000
    assert layout.room_of(999_999) == 99_999
