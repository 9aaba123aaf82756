import asyncio
import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import marker
from surgewire._core.clock import now_ns
from tests.core.chat_rig import RUN, Party, markers_in

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


def test_what_is_no_delivery_is_named(make_party: MakeParty, tmp_path: Path) -> None:
    party = make_party(workers=2, users=4, rooms=2, trace=tmp_path / "trace")
    party.begin(2)
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
    party.begin(1)
    party.relay(party.said())
    assert party.booked() == {"sent": 1, "expected": 2, "delivered": 2, "late": 2, "complete": 1}


def test_several_messages_in_one_frame_all_count_but_a_repetition_does_not(
    make_party: MakeParty,
) -> None:
    party = make_party(workers=2, users=2)
    party.begin(2)
    said = [message for _, message in party.said()]
    for person in party.people:
        person.hear(b"\n".join([said[0], said[0], said[2], said[1], said[3]]))
    assert party.booked() == {"sent": 4, "expected": 8, "delivered": 8, "complete": 4}


def test_warm_up_enters_neither_ledger_nor_histograms(make_party: MakeParty) -> None:
    party = make_party(users=2)
    party.begin(4, warmup=2)
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


def test_sender_does_not_wait_for_its_own_where_only_others_hear(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=4, to_others=True, speakers=[0, 1])
    party.begin(2)
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


def test_who_joins_while_messages_flow_hears_what_is_sent_from_then_on(
    make_party: MakeParty,
) -> None:
    party = make_party(workers=2, users=4, join=False)
    for person in party.people[:2]:
        party.traffic_of(person).joined(person.user)
    party.begin(3, last=False)
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
    party.begin(3)
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
    party.begin(again)
    party.relay(party.said())
    party.finish()
    assert party.identity_holds()
    booked = party.booked()
    assert "lost" not in booked
    assert booked.get("sent", 0) == again
    assert booked.get("before_join", 0) == min(again, 2)
    assert booked.get("delivered", 0) == again + max(0, again - 2)


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
        party.begin(0, last=False)
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
