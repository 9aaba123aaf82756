import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
import pytest

from surgewire._core import frame
from surgewire._core.clock import now_ns
from surgewire._core.histogram import HISTOGRAM_WORDS
from surgewire._core.pacer import Schedule
from surgewire._core.pinger import Pinger
from tests.core.rig import SECOND_NS, Rig
from tests.core.wire import feed

MakeRig = Callable[..., Rig]
PING_NS = 40_000_000
TIMEOUT_NS = 30_000_000
BEAT_NS = 10_000_000


@pytest.fixture
def make_rig() -> Iterator[MakeRig]:
    loop = asyncio.new_event_loop()
    rigs = []

    def make(users: int = 1, **options: int) -> Rig:
        options = {"ping_ns": PING_NS, "ping_timeout_ns": TIMEOUT_NS} | options
        rigs.append(Rig(loop, users, None, **options))  # type: ignore[arg-type]
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()
    loop.close()


def pass_until(instant_ns: int) -> None:
    while now_ns() < instant_ns:
        pass


def pings(rig: Rig, index: int = 0) -> list[bytes]:
    """The payloads of the pings that a user has sent since the last call."""
    data = b""
    while piece := rig.transports[index].sent():
        data += piece
    events = frame.Decoder(role="server").feed(data)
    assert all(event.kind == "ping" for event in events)
    return [event.payload for event in events]


def wake_until_pinged(rig: Rig) -> bytes:
    deadline_ns = now_ns() + 10 * SECOND_NS
    while not (sent := pings(rig)):
        assert now_ns() < deadline_ns
        rig.wake()
    (payload,) = sent
    return payload


def pong(rig: Rig, payload: bytes, index: int = 0) -> None:
    feed(rig.users[index], frame.encode(frame.PONG, payload))


def test_round_trip_is_from_the_ping_to_the_read_that_brought_its_pong(make_rig: MakeRig) -> None:
    rig = make_rig()
    before_ns = now_ns()
    payload = wake_until_pinged(rig)
    sent_ns = now_ns()
    pass_until(sent_ns + 2_000_000)
    answered_ns = now_ns()
    pong(rig, payload)
    trip = rig.histogram("ping_time")
    assert trip.count == 1
    assert answered_ns - sent_ns <= trip.min <= now_ns() - before_ns
    assert (rig.counted("pings"), rig.counted("pongs")) == (1, 1)
    pong(rig, payload)
    assert trip.count == 1, "a pong answers its ping once"


def test_pings_come_once_in_their_time(make_rig: MakeRig) -> None:
    rig = make_rig()
    instants = []
    for _ in range(4):
        payload = wake_until_pinged(rig)
        instants.append(now_ns())
        pong(rig, payload)
    # The first of them may have come late, but not as late as the second was due.
    assert instants[3] - instants[0] >= 2 * PING_NS
    assert (rig.counted("pings"), rig.counted("pongs")) == (4, 4)


def test_peer_that_never_answers_is_given_up(make_rig: MakeRig) -> None:
    rig = make_rig()
    wake_until_pinged(rig)
    sent_ns = now_ns()
    pass_until(sent_ns + TIMEOUT_NS)
    rig.wake()
    assert rig.users[0].is_open, "what waits unread is read first"
    while rig.users[0].is_open:
        assert now_ns() < sent_ns + 10 * SECOND_NS
        rig.wake()
    assert now_ns() >= sent_ns + TIMEOUT_NS + BEAT_NS
    assert rig.owner.told[-1] == ("closed", "timeout_ping")
    assert rig.transports[0].calls == ["abort"]
    pass_until(now_ns() + PING_NS)
    rig.wake()
    assert pings(rig) == []
    assert rig.histogram("ping_time").count == 0


def test_pong_that_waited_while_the_worker_stood_still_counts(make_rig: MakeRig) -> None:
    rig = make_rig()
    payload = wake_until_pinged(rig)
    pass_until(now_ns() + 5 * TIMEOUT_NS)
    woken_ns = now_ns()
    rig.wake()
    # It woke four times the timeout too late, and may take as long to read what has piled up.
    while now_ns() < woken_ns + TIMEOUT_NS:
        rig.wake()
    assert rig.users[0].is_open
    pong(rig, payload)
    assert rig.counted("pongs") == 1
    assert rig.histogram("ping_time").min >= 6 * TIMEOUT_NS


def test_other_pongs_mean_nothing(make_rig: MakeRig) -> None:
    rig = make_rig()
    pong(rig, b"")
    pong(rig, bytes(8))
    payload = wake_until_pinged(rig)
    for wrong in (b"", payload[:-1], payload + b"x", bytes(8), payload[::-1]):
        pong(rig, wrong)
    assert rig.counted("pongs") == 0
    pong(rig, payload)
    assert rig.counted("pongs") == 1


def test_no_second_ping_before_the_pong(make_rig: MakeRig) -> None:
    rig = make_rig(ping_timeout_ns=10 * SECOND_NS)
    payload = wake_until_pinged(rig)
    sent_ns = now_ns()
    while now_ns() < sent_ns + 3 * PING_NS:
        rig.wake()
    assert pings(rig) == []
    pong(rig, payload)
    wake_until_pinged(rig)
    assert rig.counted("pings") == 2


def test_who_has_ended_is_pinged_no_more(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.users[0].close()
    rig.transports[0].sent()
    deadline_ns = now_ns() + 2 * PING_NS
    while now_ns() < deadline_ns:
        rig.wake()
    assert pings(rig) == []
    assert rig.counted("pings") == 0


def test_broken_connection_ends_where_the_ping_fails(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.transports[0].peer.close()
    deadline_ns = now_ns() + 10 * SECOND_NS
    while rig.users[0].is_open:
        assert now_ns() < deadline_ns
        rig.wake()
    assert rig.owner.told[-1] == ("closed", "tcp_reset")
    assert rig.counted("pings") == 0


def test_pings_go_on_beside_messages(make_rig: MakeRig) -> None:
    rig = make_rig(2)
    start_ns = now_ns()
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    pass_until(now_ns() + PING_NS)
    rig.wake()
    assert rig.counted("pings") == 2
    assert rig.booked()["sent"] == 2


def test_without_a_time_there_are_none(make_rig: MakeRig) -> None:
    rig = make_rig(ping_ns=0, ping_timeout_ns=0)
    pong(rig, bytes(8))
    pass_until(now_ns() + 2 * BEAT_NS)
    rig.wake()
    assert pings(rig) == []


def pinger(capacity: int, ping_ns: int, timeout_ns: int = 1) -> Pinger:
    words, counts = np.zeros(HISTOGRAM_WORDS, np.int64), np.zeros(2, np.uint64)
    return Pinger(capacity, ping_ns, timeout_ns, words, counts)


@pytest.mark.parametrize(("capacity", "ping_ns"), [(1, 7), (10, SECOND_NS), (7, 20 * SECOND_NS)])
def test_phases_are_even_and_always_the_same(capacity: int, ping_ns: int) -> None:
    made, at_ns = pinger(capacity, ping_ns), 12_345_678_901_234
    instants = sorted(made.next_ping(index, at_ns) for index in range(capacity))
    assert all(at_ns < instant <= at_ns + ping_ns for instant in instants)
    gaps = [b - a for a, b in pairwise([*instants, instants[0] + ping_ns])]
    assert max(gaps) - min(gaps) <= 1
    for index in range(capacity):
        first = made.next_ping(index, at_ns)
        assert made.next_ping(index, first) == first + ping_ns
        assert made.next_ping(index, first - 1) == first


def test_figures_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0, not 0 and 5"):
        pinger(1, 0, 5)
    with pytest.raises(ValueError, match="above 0, not 5 and 0"):
        pinger(1, 5, 0)
    with pytest.raises(ValueError, match="words and 2 counts"):
        Pinger(1, 5, 5, np.zeros(7, np.int64), np.zeros(2, np.uint64))
    with pytest.raises(ValueError, match="must lie in 0 to 2"):
        pinger(3, 5).next_ping(3, 0)


def test_schedule_needs_no_part_in_it(make_rig: MakeRig) -> None:
    loop = asyncio.new_event_loop()
    rig = Rig(
        loop,
        1,
        Schedule.constant(41, 1, SECOND_NS),
        ping_ns=PING_NS,
        ping_timeout_ns=TIMEOUT_NS,
    )
    try:
        assert wake_until_pinged(rig)
    finally:
        rig.close()
        loop.close()
