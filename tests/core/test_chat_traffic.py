import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from surgewire._core import frame
from surgewire._core.chat_traffic import ChatTraffic
from surgewire._core.clock import now_ns, realtime_ns
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.sizes import SizePicker
from surgewire._core.template import Template
from tests.core.chat_rig import SECOND_NS, Party, markers_in
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


def test_all_members_of_all_workers_hear_a_message(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=6, rooms=2, speakers=[0, 5])
    start_ns = party.begin(2)
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
    start_ns = party.begin(1)
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
    party.begin(3, warmup=1)
    said = [message.split() for _, message in party.said()]
    assert [words[:3] for words in said] == [[b"1", b"3", str(n).encode()] for n in (1, 2, 3)]
    assert all(before_ms <= int(words[3]) <= realtime_ns() // 1_000_000 for words in said)


def test_sizes_are_kept_whatever_the_digits(make_party: MakeParty) -> None:
    parts = (b'{"n":"', ("seq",), b'","text":"', ("marker",), ("padding",), b'"}')
    picker = SizePicker("choice", ((100, 1), (1000, 1), (10, 1)), 5)
    party = make_party(users=1, parts=parts, sizes=picker, rate=20)
    party.begin(10)
    while len(said := party.said()) % 200 == 0 and not said:
        party.wake()
    lengths = Counter(len(message) for _, message in said)
    assert set(lengths) >= {100, 1000}
    assert all(length in (100, 1000) or 70 <= length <= 73 for length in lengths)
    assert [m.sequence for m in markers_in(said)] == list(range(1, len(said) + 1))


def test_message_that_nobody_is_to_hear_is_complete(make_party: MakeParty) -> None:
    party = make_party(users=1, to_others=True)
    party.begin(1)
    assert len(party.said()) == 1
    party.finish()
    assert party.booked() == {"sent": 1, "complete": 1}


# Joining.


def test_who_is_not_joined_neither_speaks_nor_is_expected_to_hear(make_party: MakeParty) -> None:
    party = make_party(users=3, join=False)
    party.traffics[0].joined(party.people[0].user)
    assert [person.user.is_joined for person in party.people] == [True, False, False]
    party.begin(2)
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
    party.begin(1)
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


def test_who_comes_back_goes_on(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[0])
    start_ns = party.begin(3, last=False)
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
    party.begin(5)
    assert party.said() == []
    assert party.counted("planned") == 0


def test_stop_books_what_was_planned_and_not_sent(make_party: MakeParty) -> None:
    party = make_party(users=3)
    start_ns = now_ns() - 10 * SECOND_NS
    party.traffics[0].start(start_ns, start_ns + 2 * SECOND_NS, start_ns + 5 * SECOND_NS)
    party.cut_off(2)
    party.traffics[0].stop()
    assert party.counted("planned") == party.counted("skipped") == 6
    assert party.booked() == {}


# Sends that fail.


def test_number_of_a_message_that_the_kernel_refused_is_used_again(make_party: MakeParty) -> None:
    party = make_party(workers=2, users=4, to_others=True)
    party.people[0].transport.peer.close()
    party.begin(2)
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
    party.begin(2)
    party.traffics[0].cut_off(party.people[0].user)
    party.finish()
    assert party.booked() == {}
    assert party.looking.last_number(0, 0) == 0


def test_planned_messages_are_skipped_when_the_target_takes_no_more(make_party: MakeParty) -> None:
    party = make_party(users=2, speakers=[0], rate=1000, parts=(("marker",), b"x" * 2000))
    party.people[0].transport.ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    party.people[0].transport.waiting = 2_000_000
    party.begin(1)
    assert party.counted("skipped") > 0
    booked = party.booked()
    assert booked["sent"] == party.counted("planned") - party.counted("skipped")
    assert booked["expected"] == 2 * booked["sent"]
    assert party.looking.last_number(0, 0) == party.people[0].user.sequence == booked["sent"]


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
