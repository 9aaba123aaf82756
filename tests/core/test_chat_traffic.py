import asyncio
import csv
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import frame, marker
from surgewire._core.chat_traffic import ChatTraffic
from surgewire._core.clock import now_ns, realtime_ns
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.sizes import SizePicker
from surgewire._core.template import Template
from tests.core.chat_rig import HOUR_NS, RUN, SECOND_NS, Party, markers_in
from tests.core.wire import feed

MakeParty = Callable[..., Party]


@pytest.fixture
def make_party() -> Iterator[MakeParty]:
    loop = asyncio.new_event_loop()
    parties = []

    def make(**options: object) -> Party:
        parties.append(Party(loop, **options))  # type: ignore[arg-type]
        return parties[-1]

    yield make
    for party in parties:
        party.close()
    loop.close()


def begun(party: Party, seconds: int, *, warmup: int = 0, last: bool = True) -> int:
    """Start a run that began some seconds ago, and let what is due leave.

    last: nothing is planned for later, so that each speaker sends as many messages as seconds.
    """
    start_ns = now_ns() - seconds * SECOND_NS
    end_ns = start_ns + (seconds * SECOND_NS if last else HOUR_NS)
    party.start(start_ns, start_ns + warmup * SECOND_NS, end_ns)
    party.wake()
    return start_ns


def test_all_members_of_all_workers_hear_a_message(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=6, rooms=2, speakers=[0, 5])
    start_ns = begun(party, 2)
    said = party.said()
    assert [
        (sender, m.room, m.worker, m.sequence)
        for (sender, _), m in zip(said, markers_in(said), strict=True)
    ] == [
        (0, 0, 0, 1),
        (0, 0, 0, 2),
        (5, 1, 1, 1),
        (5, 1, 1, 2),
    ]
    assert [m.planned_ns - start_ns for m in markers_in(said)] == [
        0,
        SECOND_NS,
        SECOND_NS // 2,
        3 * SECOND_NS // 2,
    ]
    assert [traffic.outstanding for traffic in party.traffics] == [6, 6]
    party.relay(said)
    assert party.booked() == {"sent": 4, "expected": 12, "delivered": 12, "complete": 4}
    assert party.booked(0) == party.booked(1)
    assert [traffic.outstanding for traffic in party.traffics] == [0, 0]
    assert party.histogram("message_latency").count == 12
    assert party.histogram("service_time").max < party.histogram("message_latency").min
    for name in ("fanout_first", "fanout_median", "fanout_last"):
        assert party.histogram(name).count == 4


def test_spread_is_told_by_first_median_and_last(make_party: MakeParty) -> None:
    party = make_party(workers=3, users=5, speakers=[0])
    start_ns = begun(party, 1)
    ((_, message),) = party.said()
    instants = []
    for person in party.people:
        person.hear(message)
        instants.append(now_ns() - start_ns)
    first, median, last = (
        party.histogram(f"fanout_{name}").max for name in ("first", "median", "last")
    )
    assert first <= instants[0] <= instants[1] <= median <= instants[2]
    assert instants[3] <= last <= instants[4]


def test_values_fill_the_slots_of_each_message(make_party: MakeParty) -> None:
    slots = (("room",), b" ", ("user",), b" ", ("seq",), b" ", ("now_ms",), b" ", ("marker",))
    party = make_party(users=4, rooms=2, parts=slots, speakers=[3])
    before_ms = realtime_ns() // 1_000_000
    begun(party, 3, warmup=1)
    said = [message.split() for _, message in party.said()]
    assert [words[:3] for words in said] == [[b"1", b"3", str(n).encode()] for n in (1, 2, 3)]
    assert all(before_ms <= int(words[3]) <= realtime_ns() // 1_000_000 for words in said)


def test_sizes_are_kept_whatever_the_digits(make_party: MakeParty) -> None:
    parts = (b'{"n":"', ("seq",), b'","text":"', ("marker",), ("padding",), b'"}')
    picker = SizePicker("choice", ((100, 1), (1000, 1), (10, 1)), 5)
    party = make_party(users=1, parts=parts, sizes=picker, rate=20)
    begun(party, 10)
    while len(said := party.said()) % 200 == 0 and not said:
        party.wake()
    lengths = Counter(len(message) for _, message in said)
    assert set(lengths) >= {100, 1000}
    assert all(length in (100, 1000) or 70 <= length <= 73 for length in lengths)
    assert [m.sequence for m in markers_in(said)] == list(range(1, len(said) + 1))


def test_sender_does_not_wait_for_its_own_where_only_others_hear(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=4, to_others=True, speakers=[0, 1])
    begun(party, 2)
    said = party.said()
    party.relay(said, to_others=True)
    assert party.booked() == {"sent": 4, "expected": 12, "delivered": 12, "complete": 4}
    party.relay(said[:1])
    # Its own came back after all, to the three others a second time.
    assert party.booked()["misrouted"] == 1
    assert party.booked()["duplicated"] == 3
    party.finish()
    assert party.identity_holds()
    assert "lost" not in party.booked()


def test_message_that_nobody_is_to_hear_is_complete(make_party: MakeParty) -> None:
    party = make_party(users=1, to_others=True)
    begun(party, 1)
    assert len(party.said()) == 1
    party.finish()
    assert party.booked() == {"sent": 1, "complete": 1}


def test_what_is_no_delivery_is_named(make_party: MakeParty, tmp_path: Path) -> None:
    party = make_party(workers=2, users=4, rooms=2, trace=tmp_path / "trace")
    begun(party, 2)
    said = party.said()
    mine = [message for sender, message in said if sender == 0]
    person = party.people[0]
    person.hear(mine[1])
    person.hear(mine[0])
    person.hear(mine[0])
    person.hear(b"welcome to the server")
    fields = (RUN, 0, 0, 1, 5, 0)
    person.hear(marker.encode(*fields)[:-1] + b"?")
    person.hear(marker.encode(RUN + 1, *fields[1:]))
    person.hear(marker.encode(RUN, 1, *fields[2:]))
    person.hear(marker.encode(RUN, 0, 2, *fields[3:]))
    person.hear(marker.encode(RUN, 0, 1, 0, 5, 0))
    person.hear(marker.encode(RUN, 0, 1, 3, 5, 0))
    assert party.booked(0) == {
        "sent": 4,
        "expected": 8,
        "delivered": 2,
        "reordered": 1,
        "duplicated": 1,
        "unmarked": 1,
        "damaged": 1,
        "foreign": 1,
        "misrouted": 3,
        "warmup_delivered": 1,
    }
    party.finish()
    person.hear(mine[0], b"and another thing")
    assert party.booked()["duplicated"] == 1
    assert party.booked()["unmarked"] == 1
    party.traces[0].close()
    with (tmp_path / "trace.0").open() as file:
        events = [line["event"] for line in csv.DictReader(file) if line["user"] == "0"]
    assert events == [
        *("joined", "joined", "sent", "sent", "delivered", "reordered", "duplicated", "unmarked"),
        *("damaged", "foreign", "misrouted", "misrouted", "warmup", "misrouted"),
        *("ended", "ended", "after_end"),
    ]


def test_late_is_delivered_and_late(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[1], deadline_ns=1)
    begun(party, 1)
    party.relay(party.said())
    assert party.booked() == {"sent": 1, "expected": 2, "delivered": 2, "late": 2, "complete": 1}


def test_several_messages_in_one_frame_all_count_but_a_repetition_does_not(
    make_party: MakeParty,
) -> None:
    party = make_party(workers=2, users=2)
    begun(party, 2)
    said = [message for _, message in party.said()]
    for person in party.people:
        person.hear(b"\n".join([said[0], said[0], said[2], said[1], said[3]]))
    assert party.booked() == {"sent": 4, "expected": 8, "delivered": 8, "complete": 4}


def test_warm_up_enters_neither_ledger_nor_histograms(make_party: MakeParty) -> None:
    party = make_party(users=2)
    begun(party, 4, warmup=2)
    said = party.said()
    assert sorted(m.sequence for m in markers_in(said)) == [0, 0, 0, 0, 1, 2, 3, 4]
    party.relay(said)
    assert party.booked() == {
        "sent": 4,
        "expected": 8,
        "delivered": 8,
        "complete": 4,
        "warmup_sent": 4,
        "warmup_delivered": 8,
    }
    assert party.counted("planned") == 4
    assert party.histogram("message_latency").count == 8


# Joining.


def test_who_is_not_joined_neither_speaks_nor_is_expected_to_hear(make_party: MakeParty) -> None:
    party = make_party(users=3, join=False)
    party.traffics[0].joined(party.people[0].user)
    assert [person.user.is_joined for person in party.people] == [True, False, False]
    begun(party, 2)
    said = party.said()
    assert {sender for sender, _ in said} == {0}
    assert party.counted("planned") == 2
    party.relay(said)
    assert party.booked() == {
        "sent": 2,
        "expected": 2,
        "delivered": 2,
        "before_join": 4,
        "complete": 2,
    }
    assert party.counted("joined") == 1


@pytest.mark.parametrize("matcher", [b'"type":"joined"', lambda payload: b"joined" in payload])
def test_confirmation_opens_the_door(
    make_party: MakeParty, matcher: bytes | Callable[[bytes], bool]
) -> None:
    party = make_party(users=2, join=False, matcher=matcher, speakers=[1])
    party.traffics[0].joined(party.people[1].user)
    person = party.people[0]
    person.user.ask(b'{"type":"join"}' + b" " * 200)
    assert person.payloads() == [b'{"type":"join"}' + b" " * 200]
    begun(party, 1)
    before = party.said()
    party.relay(before)
    person.hear(b'{"type":"presence"}')
    assert "joined" not in party.owner.told
    person.hear(b'{"type":"joined","room":"r"}')
    assert party.owner.told[-1] == "joined"
    assert person.user.is_joined
    assert party.histogram("join_time").count == 1
    # Once it is in, such a frame is the server's chatter.
    person.hear(b'{"type":"joined","room":"r"}')
    assert party.owner.told.count("joined") == 1
    assert party.booked() == {
        "sent": 1,
        "expected": 1,
        "delivered": 1,
        "before_join": 1,
        "complete": 1,
        "unmarked": 1,
    }


def test_join_may_be_a_binary_message(make_party: MakeParty) -> None:
    party = make_party(users=1, join=False)
    party.people[0].user.ask(b"\x00\xff", True)
    (event,) = frame.Decoder(role="server").feed(party.people[0].transport.sent())
    assert (event.opcode, event.payload) == (frame.BINARY, b"\x00\xff")


def test_who_joins_while_messages_flow_hears_what_is_sent_from_then_on(
    make_party: MakeParty,
) -> None:
    party = make_party(workers=2, users=4, join=False)
    for person in party.people[:2]:
        party.traffic_of(person).joined(person.user)
    begun(party, 3, last=False)
    early = party.said()
    assert {sender for sender, _ in early} == {0, 1}
    joined_ns = now_ns()
    for person in party.people[2:]:
        party.traffic_of(person).joined(person.user)
    party.relay(early)
    assert party.booked()["before_join"] == 2 * len(early)
    late: list[tuple[int, bytes]] = []
    while {sender for sender, _ in late} != {0, 1, 2, 3}:
        party.wake()
        said = party.said()
        party.relay(said)
        late += said
    assert all(
        m.planned_ns >= joined_ns
        for (sender, _), m in zip(late, markers_in(late), strict=True)
        if sender >= 2
    )
    party.finish()
    assert party.identity_holds()
    assert "lost" not in party.booked()
    assert party.booked()["expected"] == party.booked()["delivered"]


# Ends.


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("cut_off", {"lost": 1, "lost_to_disconnect": 1, "expected": 6}),
        ("leave", {"lost": 1, "in_flight_at_leave": 1, "expected": 5}),
        ("drained", {"lost": 2, "expected": 6}),
    ],
)
def test_what_is_missing_at_the_end_depends_on_the_end(
    make_party: MakeParty, end: str, expected: dict[str, int]
) -> None:
    party = make_party(workers=2, users=2, speakers=[0])
    begun(party, 3)
    said = party.said()
    party.relay(said[1:2])
    party.people[0].hear(said[0][1], said[2][1])
    if end == "cut_off":
        party.cut_off(1)
    elif end == "leave":
        party.leave(1)
    party.finish()
    assert party.booked() == {"sent": 3, "delivered": 4, "complete": 1, "reordered": 1} | expected
    assert party.identity_holds()
    assert party.counted("cut_off") == (end == "cut_off")
    assert party.counted("left") == (end == "leave")
    assert [traffic.outstanding for traffic in party.traffics] == [0, 0]


def test_who_comes_back_goes_on(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[0])
    start_ns = begun(party, 3, last=False)
    party.relay(party.said())
    sequence = party.people[0].user.sequence
    cut_ns = now_ns()
    party.cut_off(0)
    party.wake()
    person = party.come_back(0, join=False)
    assert person.user.sequence == sequence
    assert party.counted("rejoined") == 0
    party.traffics[0].joined(person.user)
    away_ns = now_ns() - cut_ns
    assert (party.counted("joined"), party.counted("rejoined")) == (2, 1)
    assert party.histogram("rejoin_time").count == 1
    assert party.histogram("rejoin_time").max <= away_ns
    party.wake()
    assert party.said() == [], "what was planned while it was away is not made up for"
    deadline_ns = start_ns + 4 * SECOND_NS + SECOND_NS // 2
    while not (said := party.said()):
        assert now_ns() < deadline_ns
        party.wake()
    (found,) = markers_in(said)
    assert found.sequence == sequence + 1
    assert (found.planned_ns - start_ns) % SECOND_NS == 0
    party.relay(said)
    party.finish()
    assert party.booked()["expected"] == party.booked()["delivered"]
    assert party.counted("skipped") == 0


def test_time_to_be_back_counts_from_the_first_cut(make_party: MakeParty) -> None:
    party = make_party(users=1)
    party.cut_off(0)
    cut_ns = now_ns()
    party.come_back(0, join=False)
    party.cut_off(0)
    while now_ns() < cut_ns + 5_000_000:
        pass
    party.come_back(0)
    assert party.counted("cut_off") == 2
    assert party.histogram("rejoin_time").min >= 5_000_000


def test_return_after_leaving_is_no_time_to_be_measured(make_party: MakeParty) -> None:
    party = make_party(users=1)
    party.leave(0)
    party.come_back(0)
    assert (party.counted("left"), party.counted("rejoined")) == (1, 1)
    assert party.histogram("rejoin_time").count == 0


def test_two_connections_of_one_user_cannot_both_listen(make_party: MakeParty) -> None:
    party = make_party(users=1)
    with pytest.raises(ValueError, match="still listens"):
        party.connect(0)
    party.traffics[0].add(party.people[0].user)


def test_joining_twice_or_after_the_end_changes_nothing(make_party: MakeParty) -> None:
    party = make_party(users=2)
    user = party.people[0].user
    party.traffics[0].joined(user)
    party.cut_off(0)
    party.traffics[0].joined(user)
    party.cut_off(1)
    assert party.counted("joined") == 2
    assert party.looking.listeners_of(0) == 0


def test_silent_user_only_hears(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[])
    begun(party, 5)
    assert party.said() == []
    assert party.counted("planned") == 0


def test_stop_books_what_was_planned_and_not_sent(make_party: MakeParty) -> None:
    party = make_party(users=3)
    start_ns = now_ns() - 10 * SECOND_NS
    party.start(start_ns, start_ns + 2 * SECOND_NS, start_ns + 5 * SECOND_NS)
    party.cut_off(2)
    party.traffics[0].stop()
    assert party.counted("planned") == party.counted("skipped") == 6
    assert party.booked() == {}


# Sends that fail.


def test_number_of_a_message_that_the_kernel_refused_is_used_again(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=4, to_others=True)
    party.people[0].transport.peer.close()
    begun(party, 2)
    said = party.said()
    assert party.owner.told[-1] == ("closed", "tcp_reset")
    assert party.counted("skipped") == 2
    assert party.counted("planned") == 8
    assert [(m.worker, m.sequence) for m in markers_in(said)] == [
        (1, 1),
        (1, 2),
        (0, 1),
        (0, 2),
        (1, 3),
        (1, 4),
    ]
    party.traffics[0].cut_off(party.people[0].user)
    party.relay(said, to_others=True)
    party.finish()
    assert party.identity_holds()
    assert "lost" not in party.booked()
    assert party.booked()["lost_to_disconnect"] == 6


def test_number_taken_back_at_the_end_is_expected_of_nobody(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=4, speakers=[0])
    party.people[0].transport.peer.close()
    begun(party, 2)
    party.traffics[0].cut_off(party.people[0].user)
    party.finish()
    assert party.booked() == {}
    assert party.looking.last_number(0, 0) == 0


@pytest.mark.parametrize("again", [0, 1, 3])
def test_who_joins_while_a_number_is_out_that_is_taken_back(
    make_party: MakeParty, again: int
) -> None:
    """Another process may read the stream's counter between publishing and taking back."""
    party = make_party(workers=2, users=2, join=False, speakers=[0])
    speaker, hearer = party.people
    party.traffics[0].joined(speaker.user)
    rooms = party.rooms_of(0)
    for _ in range(2):
        rooms.publish_number(0, 0, 1)
    party.traffics[1].joined(hearer.user)
    rooms.retract_numbers(0, 2)
    begun(party, again)
    party.relay(party.said())
    party.finish()
    assert party.identity_holds()
    booked = party.booked()
    assert "lost" not in booked
    assert booked.get("sent", 0) == again
    assert booked.get("before_join", 0) == min(again, 2)
    assert booked.get("delivered", 0) == again + max(0, again - 2)


def test_planned_messages_are_skipped_when_the_target_takes_no_more(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[0], rate=1000, parts=(("marker",), b"x" * 2000))
    party.people[0].transport.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    party.people[0].transport.waiting = 2_000_000
    begun(party, 1)
    assert party.counted("skipped") > 0
    booked = party.booked()
    assert booked["sent"] == party.counted("planned") - party.counted("skipped")
    assert booked["expected"] == 2 * booked["sent"]
    assert party.looking.last_number(0, 0) == party.people[0].user.sequence == booked["sent"]


# All together.


class Witness:
    """Sees all that is said, by whom and to whom, and does the sums itself."""

    def __init__(self, party: Party, random: Random, *, to_others: bool) -> None:
        self._party, self._random, self._to_others = party, random, to_others
        self.truth: Counter[str] = Counter()
        self._said: list[tuple[int, bytes]] = []
        self._expects: dict[int, dict[bytes, bool]] = {user: {} for user in range(party.users)}
        self._highest: dict[int, Counter[int]] = {u: Counter() for u in range(party.users)}

    def listen(self) -> None:
        """See what has been said, and who is to hear it."""
        said = self._party.said()
        self._said += said
        self.truth["sent"] += len(said)
        for sender, message in said:
            for user in (person.user for person in self._party.people):
                own = self._to_others and user.user == sender
                if user.room == self._party.room_of(sender) and user.is_joined and not own:
                    self.truth["expected"] += 1
                    self._expects[user.user][message] = False

    def relay(self) -> None:
        """Deliver with losses, repetitions and in any order."""
        said, self._said = self._said, []
        self._random.shuffle(said)
        for (_, message), found in zip(said, markers_in(said), strict=True):
            for user, person in enumerate(self._party.people):
                if message in self._expects[user] and self._random.random() < 0.8:
                    copies = 2 if self._random.random() < 0.1 else 1
                    person.hear(*[message] * copies)
                    self._expects[user][message] = True
                    self.truth["delivered"] += 1
                    self.truth["duplicated"] += copies - 1
                    highest = self._highest[user]
                    self.truth["reordered"] += found.sequence < highest[found.worker]
                    highest[found.worker] = max(highest[found.worker], found.sequence)

    def settle(self, user: int, end: str) -> None:
        """See what is missing at a user that ends."""
        missing = [(user, message) for message, heard in self._expects[user].items() if not heard]
        for found in markers_in(missing):
            if end == "drained" or found.sequence < self._highest[user][found.worker]:
                self.truth["lost"] += 1
            elif end == "cut_off":
                self.truth["lost_to_disconnect"] += 1
            else:
                self.truth["in_flight_at_leave"] += 1
                self.truth["expected"] -= 1
        self._expects[user].clear()
        self._highest[user].clear()


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    workers=st.integers(1, 3),
    users=st.integers(1, 9),
    rooms=st.integers(1, 3),
    to_others=st.booleans(),
)
def test_account_is_that_of_a_witness(
    seed: int, workers: int, users: int, rooms: int, to_others: bool
) -> None:
    """Whatever happens in whatever order: a witness that knows all comes to the same sums."""
    random, loop = Random(seed), asyncio.new_event_loop()
    workers, rooms = min(workers, users), min(rooms, users)
    party = Party(loop, workers=workers, users=users, rooms=rooms, to_others=to_others, rate=1000)
    witness = Witness(party, random, to_others=to_others)
    try:
        begun(party, 0, last=False)
        for _ in range(40):
            party.wake()
            witness.listen()
            user = random.randrange(users)
            person, deed = party.people[user], random.choice(["relay", "relay", "end", "back"])
            if deed == "relay":
                witness.relay()
            elif deed == "back" and not person.user.is_open:
                party.come_back(user)
            elif deed == "end" and person.user.is_joined:
                end = random.choice(["cut_off", "left"])
                witness.settle(user, end)
                if end == "cut_off":
                    party.cut_off(user)
                else:
                    party.leave(user)
        witness.relay()
        for user in range(users):
            witness.settle(user, "drained")
        party.finish()
        booked = party.booked()
        assert party.identity_holds()
        assert {name: n for name, n in booked.items() if name != "complete"} == {
            name: n for name, n in witness.truth.items() if n
        }
    finally:
        party.close()
        loop.close()


# What does not fit.


def two_rows() -> Ledger:
    return Ledger(2, 64, np.zeros((2, len(LEDGER_COUNTERS)), np.uint64))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"worker": 1}, "these are not the rooms of worker 1"),
        ({"template": Template((b"hi",))}, "messages without a marker cannot be recognised"),
        ({"ledger": two_rows()}, "does not fit 1 rooms and 1 workers"),
        ({"histograms": {}}, "there is no histogram for message_latency"),
    ],
)
def test_what_does_not_fit_is_refused(
    make_party: MakeParty, changes: dict[str, Any], told: str
) -> None:
    party = make_party(users=2)
    options: dict[str, Any] = {
        "ledger": Ledger(2, 64, party.ledgers[0]),
        "schedule": party.schedule,
        "counters": party.counters,
        "histograms": party.words,
        "run": 1,
        "worker": 0,
        "rooms": party.rooms_of(0),
        "template": Template((("marker",),)),
        "sizes": None,
        "to_others": False,
        "deadline_ns": 1,
    }
    with pytest.raises(ValueError, match=told):
        ChatTraffic(party.loop, **options | changes)


def test_user_out_of_range_is_refused(make_party: MakeParty) -> None:
    party = make_party(users=2)
    with pytest.raises(ValueError, match="index is 2; there are 2 users"):
        party.connect(2)
    party.users = 1
    with pytest.raises(ValueError, match="room is 1; there are 1 rooms"):
        party.connect(1)


def test_pings_go_on_beside(make_party: MakeParty) -> None:
    party = make_party(users=1, ping_ns=10_000_000)
    deadline_ns = now_ns() + 10 * SECOND_NS
    while not (data := party.people[0].transport.sent()):
        assert now_ns() < deadline_ns
        party.wake()
    (ping,) = frame.Decoder(role="server").feed(data)
    feed(party.people[0].user, frame.encode(frame.PONG, ping.payload))
    assert (party.counted("pings"), party.counted("pongs")) == (1, 1)
    assert party.histogram("ping_time").count == 1
