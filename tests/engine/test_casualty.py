"""The books of a worker that died, with the rooms that it shared."""

import numpy as np

from surgewire._core import gauge, ledger, traffic
from surgewire.engine.casualty import book_death
from surgewire.engine.sampler import Sampler
from surgewire.engine.shared import PROGRESS_CONNECTED_NS, SharedRegion, WorkerSlice

ROOMS = 3


def count(part: WorkerSlice, room: int, name: str) -> int:
    return int(part.ledger[room, ledger.COUNTERS.index(name)])


def bump(part: WorkerSlice, room: int, **counts: int) -> None:
    for name, n in counts.items():
        part.ledger[room, ledger.COUNTERS.index(name)] += np.uint64(n)


def test_what_a_dead_workers_users_still_had_to_hear_is_lost_to_disconnect_in_each_room() -> None:
    region = SharedRegion(2, ROOMS, 8)
    alive, dead = region.share_rooms(0), region.share_rooms(1)
    assert alive is not None
    assert dead is not None
    for room in range(ROOMS):
        alive.join_room(room)
        dead.join_room(room)
        dead.join_room(room)
        for _ in range(10 * (room + 1)):
            alive.publish_number(room, 0, 3)
    part = region.slice(1)
    for room in range(ROOMS):
        bump(part, room, delivered=10, lost=3, lost_to_disconnect=2)
    sampler = Sampler(region)
    gain = sampler.take()
    assert gain.gauges["joined"] == 9
    assert gain.counters["expected"] == 3 * (10 + 20 + 30)

    assert book_death(region, 1) == 0
    # Whoever goes on sending is not heard by the dead.
    for room in range(ROOMS):
        alive.publish_number(room, 0, 1)
    assert [count(part, room, "lost_to_disconnect") for room in range(ROOMS)] == [7, 27, 47]
    gain = sampler.take()
    assert gain.gauges["joined"] == 3
    assert gain.counters["expected"] == 3
    assert gain.counters["lost_to_disconnect"] == 5 + 25 + 45
    expected = sampler.rooms[:, ledger.COUNTERS.index("expected")]
    assert expected.tolist() == [3 * 10 + 1, 3 * 20 + 1, 3 * 30 + 1]


def test_what_its_awkward_users_still_had_to_hear_stays_apart() -> None:
    region = SharedRegion(1, ROOMS, 8, apart=True)
    rooms = region.share_rooms(0)
    assert rooms is not None
    rooms.join_room(0)
    rooms.join_room(ROOMS)
    rooms.join_room(ROOMS)
    for _ in range(10):
        rooms.publish_number(0, 0, 1)
    part = region.slice(0)
    bump(part, 0, sent=10, delivered=10)
    bump(part, ROOMS, delivered=8, lost=1)
    part.traffic[traffic.COUNTERS.index("planned")] = 10
    book_death(region, 0)
    gain = Sampler(region).take()
    assert (gain.counters["expected"], gain.counters["lost_to_disconnect"]) == (10, 0)
    apart = [gain.counters[f"awkward_{name}"] for name in ("expected", "lost_to_disconnect")]
    assert apart == [20, 11]
    assert gain.counters["skipped"] == 0


def test_corrections_below_zero_are_part_of_what_was_expected() -> None:
    region = SharedRegion(1, 1, 8)
    rooms = region.share_rooms(0)
    assert rooms is not None
    rooms.join_room(0)
    for _ in range(5):
        rooms.publish_number(0, 0, 1)
    part = region.slice(0)
    # Two of its own that the sender is not to hear: taken off what the room expects.
    bump(part, 0, expected=2**64 - 2, delivered=1)
    book_death(region, 0)
    assert count(part, 0, "lost_to_disconnect") == 2


def test_a_worker_killed_between_two_words_owes_nothing() -> None:
    region = SharedRegion(1)
    bump(region.slice(0), 0, expected=4, delivered=5)
    book_death(region, 0)
    assert count(region.slice(0), 0, "lost_to_disconnect") == 0


def test_attempts_and_connections_of_the_dead_have_an_outcome() -> None:
    region = SharedRegion(2)
    part = region.slice(1)
    for name, n in {"attempted": 9, "established": 5, "failed": 1, "open": 4, "closed": 1}.items():
        part.traffic[traffic.COUNTERS.index(name)] = n
    region.gauge[0] = 10
    assert book_death(region, 1) == 4
    assert part.errors.counts() == {"worker_died": 3}
    assert part.closed.counts() == {"worker_died": 4}
    assert region.gauge[0] == 6


def test_attempts_to_come_back_are_no_first_attempts() -> None:
    region = SharedRegion(1)
    part = region.slice(0)
    counts = {"attempted": 9, "established": 6, "failed": 1, "retried": 4, "retries_failed": 1}
    for name, n in counts.items():
        part.traffic[traffic.COUNTERS.index(name)] = n
    part.progress[PROGRESS_CONNECTED_NS] = 1
    book_death(region, 0)
    assert part.traffic[traffic.COUNTERS.index("failed")] == 3
    assert part.traffic[traffic.COUNTERS.index("retries_failed")] == 3


def test_what_was_planned_and_not_sent_is_skipped() -> None:
    region = SharedRegion(1, 2)
    part = region.slice(0)
    for room in range(2):
        bump(part, room, sent=3)
    for name, n in {"planned": 9, "skipped": 1}.items():
        part.traffic[traffic.COUNTERS.index(name)] = n
    book_death(region, 0)
    assert part.traffic[traffic.COUNTERS.index("skipped")] == 3


def test_attempts_of_a_dead_worker_are_under_way_no_more() -> None:
    region = SharedRegion(2)
    part = region.slice(1)
    for name, n in (("attempted", 9), ("established", 5), ("failed", 1), ("open", 5)):
        part.traffic[traffic.COUNTERS.index(name)] = n
    gauge.add(region.gauge, 5)
    gauge.add(region.under_way, 7)
    assert book_death(region, 1) == 5
    # Four are those of another worker.
    assert list(region.under_way) == [4, 7]
