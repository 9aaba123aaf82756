"""What befalls deliveries, as the clients see it, against what the truth says of it."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surgewire._core import marker
from tests.core.chat_server_rig import Chat, mark, read_truth

MS = 1_000_000
WRITTEN = {"sent", "duplicated", "damaged"}
FAULTS = {"drop_ppm": 50_000, "duplicate_ppm": 60_000, "reorder_ppm": 70_000, "damage_ppm": 80_000}
DELAYS = [(1, "exponential", 2 * MS)]

Truth = list[dict[str, str]]


class Scene:
    """Members in two rooms who all speak, what they heard, and the truth."""

    def __init__(self, loop: asyncio.AbstractEventLoop, path: Path, **options: Any) -> None:
        self.path = path
        self.chat = Chat(loop, truth=str(path), **options)
        self.members = [self.chat.member(f"room {n % 2}", f"user,{n}") for n in range(6)]
        self.heard: dict[str, list[bytes]] = {member.user: [] for member in self.members}

    def listen(self) -> None:
        for member in self.members:
            self.heard[member.user] += member.hears()

    def speak(self, first: int, count: int) -> None:
        for sequence in range(first, first + count):
            for n, member in enumerate(self.members):
                member.says(b'{"text":"%s"}' % mark(sequence, worker=n, room=n % 2))
            self.listen()

    def end(self) -> Truth:
        """Wait for what is held back, end, and give the truth."""
        for _ in range(1000):
            if not self.chat.service.waiting:
                break
            self.chat.run(0.005)
        self.listen()
        self.chat.close()
        return read_truth(self.path)


MakeScene = Callable[..., Scene]


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    loop = asyncio.new_event_loop()
    made = []

    def make(**options: Any) -> Scene:
        made.append(Scene(loop, tmp_path / f"truth{len(made)}", **options))
        return made[-1]

    yield make
    for scene in made:
        scene.chat.close()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


def wire(truth: Truth, user: str) -> list[tuple[str, int, int]]:
    """What the truth says was written to a user, in its order."""
    return [
        (row["event"], int(row["worker"]), int(row["sequence"]))
        for row in truth
        if row["user"] == user and row["event"] in WRITTEN
    ]


def agree(truth: Truth, heard: dict[str, list[bytes]]) -> None:
    """Let each payload be what the line of the truth in its place says."""
    for user, payloads in heard.items():
        lines = wire(truth, user)
        assert len(lines) == len(payloads)
        for (event, worker, sequence), payload in zip(lines, payloads, strict=True):
            room = int(user.rpartition(",")[2]) % 2
            sound = b'{"text":"%s"}' % mark(sequence, worker=worker, room=room)
            if event == "damaged":
                assert sum(a != b for a, b in zip(sound, payload, strict=True)) == 2
                assert [found for _, found in marker.find_all(bytearray(payload))] == [None]
            else:
                assert payload == sound


def events(truth: Truth) -> Counter[str]:
    return Counter(row["event"] for row in truth)


def key(row: dict[str, str]) -> tuple[str, ...]:
    return tuple(row[name] for name in ("user", "room", "worker", "sequence"))


def complete(truth: Truth, messages: int) -> None:
    """Let each delivery have one outcome, and what befell it besides stand where it should."""
    outcomes = [key(row) for row in truth if row["event"] in ("sent", "dropped", "damaged")]
    assert len(outcomes) == len(set(outcomes)) == messages * 3
    assert events(truth)["received"] == messages
    place = {(row["event"], key(row)): i for i, row in enumerate(truth) if row["sequence"]}
    for (event, delivery), i in place.items():
        if event == "duplicated":
            assert place["sent", delivery] == i - 1
        elif event == "reordered":
            assert place["sent", delivery] > i
    written = [int(row["instant_ns"]) for row in truth if row["event"] in WRITTEN]
    assert written == sorted(written)


@pytest.mark.parametrize("seed", [1, 2, 2**63 - 1])
@pytest.mark.parametrize("delays", [[], DELAYS], ids=["at once", "delayed"])
@pytest.mark.parametrize("names", [(), *((name,) for name in FAULTS), tuple(FAULTS)])
def test_clients_hear_what_the_truth_says(
    names: tuple[str, ...], delays: Any, seed: int, make_scene: MakeScene
) -> None:
    scene = make_scene(faults={name: FAULTS[name] for name in names}, delays=delays, seed=seed)
    scene.speak(1, 100)
    truth = scene.end()
    agree(truth, scene.heard)
    complete(truth, 600)
    counted = events(truth)
    assert (counted["opened"], counted["joined"], counted["left"]) == (6, 6, 0)
    told = {"dropped": "drop", "duplicated": "duplicate", "damaged": "damage"}
    told["reordered"] = "reorder"
    for event, name in told.items():
        share = FAULTS[f"{name}_ppm"] / 1e6 if f"{name}_ppm" in names else 0
        assert 0.5 * share <= counted[event] / 1800 <= 1.5 * share


def test_the_order_is_kept_without_faults(make_scene: MakeScene) -> None:
    scene = make_scene(delays=[(1, "fixed", 3 * MS)])
    scene.speak(1, 50)
    truth = scene.end()
    expected = [("sent", w, s) for s in range(1, 51) for w in (0, 2, 4)]
    assert wire(truth, "user,0") == expected
    received = {
        (row["worker"], row["sequence"]): int(row["instant_ns"])
        for row in truth
        if row["event"] == "received"
    }
    for row in truth:
        if row["event"] == "sent":
            waited = int(row["instant_ns"]) - received[row["worker"], row["sequence"]]
            assert waited >= 3 * MS


def test_what_is_reordered_comes_after_the_next(make_scene: MakeScene) -> None:
    scene = make_scene(faults={"reorder_ppm": 200_000})
    scene.speak(1, 60)
    truth = scene.end()
    for user in scene.heard:
        rows = [row for row in truth if row["user"] == user and row["sequence"]]
        rows = [row for row in rows if row["event"] != "received"]
        for i, row in enumerate(rows[:-3]):
            if row["event"] == "reordered":
                # Exactly one delivery, which is not held back itself, goes in between.
                assert rows[i + 1]["event"] == "sent"
                assert (rows[i + 2]["event"], key(rows[i + 2])) == ("sent", key(row))
                assert key(rows[i + 1]) != key(row)


def test_what_is_reordered_does_not_wait_for_ever(make_scene: MakeScene) -> None:
    scene = make_scene(faults={"reorder_ppm": 1_000_000})
    scene.members[0].says(mark(1))
    scene.listen()
    assert not any(scene.heard.values())
    truth = scene.end()
    assert events(truth)["reordered"] == events(truth)["sent"] == 3
    held = [int(row["instant_ns"]) for row in truth if row["event"] in ("reordered", "sent")]
    assert held[3] - held[0] >= 50 * MS


def test_a_message_without_marker_is_only_delayed(make_scene: MakeScene) -> None:
    scene = make_scene(faults=dict.fromkeys(FAULTS, 1_000_000), delays=[(1, "fixed", MS)])
    scene.members[0].says(b"no marker", mark(1)[:-1] + b"z")
    truth = scene.end()
    assert scene.heard["user,2"] == [b"no marker", mark(1)[:-1] + b"z"]
    assert set(events(truth)) == {"opened", "joined"}


def test_faults_do_not_depend_on_run_order_or_instants(make_scene: MakeScene) -> None:
    def outcomes(truth: Truth) -> set[tuple[str, ...]]:
        return {
            (row["event"], *key(row))
            for row in truth
            if row["event"] in ("sent", "dropped", "damaged", "duplicated")
        }

    faults = {name: ppm for name, ppm in FAULTS.items() if name != "reorder_ppm"}
    scenes = [make_scene(faults=faults, seed=seed) for seed in (5, 5, 6)]
    for scene in scenes:
        if scene is scenes[1]:
            # In another order, and with other runs and instants in the markers.
            for sequence in range(80, 0, -1):
                for n, member in reversed(list(enumerate(scene.members))):
                    member.says(marker.encode(99, n % 2, n, sequence, 5, 6))
        else:
            scene.speak(1, 80)
    first, again, other = (outcomes(scene.end()) for scene in scenes)
    assert first == again != other


def test_warm_up_is_damaged_by_chance_too(make_scene: MakeScene) -> None:
    scene = make_scene(faults={"drop_ppm": 500_000})
    for _ in range(100):
        scene.members[0].says(mark(0))
    counted = events(scene.end())
    assert 100 < counted["dropped"] < 200
    assert counted["dropped"] + counted["sent"] == 300


def test_what_waits_for_a_member_that_ends_is_unsent(make_scene: MakeScene) -> None:
    scene = make_scene(delays=[(1, "fixed", 20 * MS)], faults={"reorder_ppm": 400_000})
    scene.speak(1, 10)
    scene.members[2].goes()
    scene.speak(11, 10)
    truth = scene.end()
    gone = [row["event"] for row in truth if row["user"] == "user,2"]
    # Its room heard it, too, until it went.
    assert gone.count("unsent") == 30
    assert gone.count("left") == 1
    assert "sent" not in gone
    # Before it went 30 messages in each room; then 20 in its room, for two, and 30 in the other.
    assert events(truth)["sent"] == 30 * 2 + 30 * 3 + 20 * 2 + 30 * 3


def test_what_still_waits_at_the_end_is_unsent(make_scene: MakeScene) -> None:
    scene = make_scene(delays=[(1, "fixed", 3_600_000 * MS)])
    scene.speak(1, 2)
    assert scene.chat.service.waiting == 36
    scene.chat.close()
    truth = read_truth(scene.path)
    assert events(truth)["unsent"] == 36
    scene = make_scene(faults={"reorder_ppm": 1_000_000})
    scene.members[0].says(mark(1))
    scene.chat.close()
    truth = read_truth(scene.path)
    assert events(truth)["unsent"] == events(truth)["reordered"] == 3


def test_a_broken_member_gets_nothing_more(make_scene: MakeScene) -> None:
    scene = make_scene()
    scene.members[0].transport.peer.close()
    for sequence in range(1, 5):
        scene.members[2].says(mark(sequence))
    scene.chat.close()
    truth = read_truth(scene.path)
    assert events(truth)["unsent"] == 4
    assert wire(truth, "user,0") == []
    assert wire(truth, "user,4") == [("sent", 0, n) for n in range(1, 5)]


def test_moves_are_recorded(make_scene: MakeScene) -> None:
    scene = make_scene()
    member = scene.members[0]
    member.says(b'{"type":"join","room":"a \\"room\\""}')
    member.says(mark(1))
    member.goes()
    scene.chat.close()
    rows = [row for row in read_truth(scene.path) if row["user"] == "user,0"]
    assert [(row["event"], row["room"]) for row in rows] == [
        ("opened", ""),
        ("joined", "room 0"),
        ("left", "room 0"),
        ("joined", 'a "room"'),
        ("received", 'a "room"'),
        ("sent", 'a "room"'),
        ("left", 'a "room"'),
    ]
    assert {row["connection"] for row in rows} == {"1"}
    assert rows[4] | {"instant_ns": "", "event": ""} == {
        "instant_ns": "", "event": "", "connection": "1", "user": "user,0", "room": 'a "room"',
        "run": "7", "marker_room": "0", "worker": "0", "sequence": "1", "planned_ns": "1001",
    }  # fmt: skip


def cut_members(loop: asyncio.AbstractEventLoop, path: Path, seed: int) -> dict[str, Any]:
    """Wait until all of many members have been cut; give them, and what each heard, by event."""
    chat = Chat(loop, truth=str(path), seed=seed, cut_ppm=1_000_000, cut_per_ns=20 * MS)
    for n in range(30):
        chat.member("r", str(n))
    for _ in range(1000):
        if chat.service.room_count == 0:
            break
        chat.run(0.005)
    heard = [member.events() for member in chat.members]
    chat.close()
    rows = read_truth(path)
    assert events(rows)["opened"] == events(rows)["joined"] == 30
    assert len(rows) == 90
    return {
        f"{row['user']} {row['event']}": (chat.members[int(row["user"])], heard[int(row["user"])])
        for row in rows
        if row["event"].startswith("cut_")
    }


def test_members_are_cut_in_three_ways(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    first, again, other = (cut_members(loop, tmp_path / "truth", seed) for seed in (1, 1, 2))
    loop.close()
    assert first.keys() == again.keys() != other.keys()
    ways = {name.partition(" ")[2]: cut for name, cut in first.items()}
    assert {name: cut.transport.calls for name, (cut, _) in ways.items()} == {
        "cut_close": [],
        "cut_eof": ["write_eof"],
        "cut_reset": ["abort"],
    }
    assert {name: [e.close_code for e in heard] for name, (_, heard) in ways.items()} == {
        "cut_close": [1001],
        "cut_eof": [],
        "cut_reset": [],
    }
    assert all(member.told[1] == ("closed", None) for member, _ in first.values())


def test_what_is_said_after_a_cut_is_not_heard(make_scene: MakeScene) -> None:
    scene = make_scene(cut_ppm=1_000_000, cut_per_ns=MS)
    scene.chat.run(0.1)
    assert not any(member.peer.is_open for member in scene.members)
    for member in scene.members:
        member.says(mark(1))
    scene.chat.close()
    assert events(read_truth(scene.path))["received"] == 0
