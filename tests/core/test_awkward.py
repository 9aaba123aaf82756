"""Users that misbehave, in a test's hand: their account, and what their reins do."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from surgewire._core import frame, marker
from surgewire._core.awkward import AwkwardEchoUser
from surgewire._core.clock import now_ns
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.reins import Reins
from surgewire._core.template import Template
from surgewire._core.traffic import COUNTERS
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

SECOND_NS = 1_000_000_000
WORDS = ("message_latency", "service_time", "send_lag", "loop_lag", "ping_time")


class Noted:
    """Manners that write down what they are told."""

    abrupt = False
    name = "noted"

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reins: Reins | None = None

    def made(self, reins: Reins) -> None:
        self.reins = reins
        self.told.append("made")

    def opened(self) -> None:
        self.told.append("opened")

    def closing(self) -> None:
        self.told.append("closing")

    def gone(self) -> None:
        self.told.append("gone")


class Pair:
    """One user that behaves and one that does not, in one traffic."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, rows: int = 2) -> None:
        self.ledger = np.zeros((rows, len(LEDGER_COUNTERS)), np.uint64)
        self.counters = np.zeros(len(COUNTERS), np.uint64)
        self.words = {name: np.zeros(HISTOGRAM_WORDS, np.int64) for name in WORDS}
        self.traffic = EchoTraffic(
            loop,
            Ledger(2, 1024, self.ledger),
            Schedule.constant(2, 1, SECOND_NS),
            self.counters,
            self.words,
            run=1,
            worker=0,
            template=Template((("marker",),)),
            deadline_ns=3600 * SECOND_NS,
            ping_ns=SECOND_NS,
            ping_timeout_ns=SECOND_NS,
        )
        self.owner, self.manners = Owner(), Noted()
        self.good = EchoUser(BUFFER, self.owner, Passed(), self.traffic, 0)
        self.bad = AwkwardEchoUser(
            BUFFER, self.owner, Passed(), self.traffic, 1, index=1, manners=self.manners
        )
        self.transports = [Transport(), Transport()]
        for user, transport in zip((self.good, self.bad), self.transports, strict=True):
            user.connection_made(transport)  # type: ignore[attr-defined]
            transport.sent()
            feed(user, b"okay")

    @property
    def reins(self) -> Reins:
        assert self.manners.reins is not None
        return self.manners.reins

    def send(self, seconds: int) -> tuple[list[bytes], list[bytes]]:
        """Let what is due in so many seconds leave; return what each user sent."""
        start_ns = now_ns() - seconds * SECOND_NS
        self.traffic.start(start_ns, start_ns, start_ns + seconds * SECOND_NS)
        self.traffic._woken()  # type: ignore[attr-defined]
        return self.sent(self.transports[0]), self.sent(self.transports[1])

    def sent(self, transport: Transport) -> list[bytes]:
        return [event.payload for event in frame.Decoder(role="server").feed(transport.sent())]

    def row(self, number: int) -> dict[str, int]:
        return {k: int(n) for k, n in zip(LEDGER_COUNTERS, self.ledger[number], strict=True) if n}

    def counted(self, name: str) -> int:
        return int(self.counters[COUNTERS.index(name)])


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def pair(loop: asyncio.AbstractEventLoop) -> Iterator[Pair]:
    pair = Pair(loop)
    yield pair
    pair.traffic.close()
    for transport in pair.transports:
        transport.shut()


def answer(user: EchoUser, messages: list[bytes]) -> None:
    for message in messages:
        feed(user, frame.encode(frame.TEXT, message))


def test_its_account_is_kept_apart(pair: Pair) -> None:
    good, bad = pair.send(3)
    assert (len(good), len(bad)) == (3, 3)
    answer(pair.good, good)
    answer(pair.bad, [bad[0], bad[2], bad[2], b"SWX1 and so on", b"hello"])
    pair.traffic.finish(drained=True)
    assert pair.row(0) == {"sent": 3, "expected": 3, "delivered": 3}
    row = pair.row(1)
    assert (row["sent"], row["expected"], row["delivered"], row["lost"]) == (3, 3, 2, 1)
    assert (row["duplicated"], row["damaged"] + row["unmarked"]) == (1, 2)
    assert (pair.counted("planned"), pair.counted("skipped")) == (3, 0)
    for name in ("message_latency", "service_time", "send_lag"):
        assert Histogram(pair.words[name]).count == 3


def test_what_it_does_not_send_was_not_planned(pair: Pair) -> None:
    for transport in pair.transports:
        transport.peer.close()
    start_ns = now_ns() - 3 * SECOND_NS
    pair.traffic.start(start_ns, start_ns, start_ns + 3 * SECOND_NS)
    pair.traffic._woken()  # type: ignore[attr-defined]
    assert (pair.counted("planned"), pair.counted("skipped")) == (3, 3)


def test_it_is_retired_from_sending_alone(pair: Pair) -> None:
    _, bad = pair.send(2)
    pair.reins.retire()
    start_ns = now_ns() - 5 * SECOND_NS
    pair.traffic.start(start_ns, start_ns, start_ns + 5 * SECOND_NS)
    pair.traffic._woken()  # type: ignore[attr-defined]
    assert pair.row(1)["sent"] == 2
    answer(pair.bad, bad)
    assert pair.row(1)["delivered"] == 2


def test_its_end_from_our_side_leaves_nothing_expected(pair: Pair) -> None:
    pair.send(2)
    pair.traffic.left(pair.bad)
    assert pair.row(1) == {"sent": 2, "in_flight_at_leave": 2}
    assert pair.counted("cut_off") == 0
    pair.traffic.cut_off(pair.good)
    assert pair.counted("cut_off") == 1


def test_the_drain_does_not_wait_for_it(pair: Pair) -> None:
    good, _ = pair.send(2)
    assert pair.traffic.outstanding == 2
    answer(pair.good, good)
    assert pair.traffic.outstanding == 0


def test_manners_are_told_what_happens(pair: Pair) -> None:
    assert pair.manners.told == ["made", "opened"]
    pair.bad.close()
    pair.bad.connection_lost(None)  # type: ignore[attr-defined]
    assert pair.manners.told == ["made", "opened", "closing", "gone"]
    assert pair.reins.socket is None
    assert not pair.reins.is_open
    pair.reins.reset()
    pair.reins.ping(3)
    pair.reins.read_on()


def test_messages_leave_in_fragments(pair: Pair) -> None:
    pair.reins.fragment(20)
    start_ns = now_ns() - SECOND_NS
    pair.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    pair.traffic._woken()  # type: ignore[attr-defined]
    data = pair.transports[1].sent()
    # 52 bytes of marker in 20, 20 and 12, each behind 6 bytes.
    assert [data[i] for i in (0, 26, 52)] == [0x01, 0x00, 0x80]
    (event,) = frame.Decoder(role="server").feed(data)
    assert marker.find_all(event.payload)


def test_no_more_is_lent_than_may_be_read(pair: Pair) -> None:
    whole = len(pair.bad.get_buffer(-1))
    pair.reins.read_on(10)
    assert len(pair.bad.get_buffer(-1)) == 10
    feed(pair.bad, frame.encode(frame.TEXT, b"abcd"))
    assert len(pair.bad.get_buffer(-1)) == 4
    feed(pair.bad, frame.encode(frame.TEXT, b"ab"))
    assert pair.transports[1].calls[-1] == "pause_reading"
    pair.reins.read_on()
    assert pair.transports[1].calls[-1] == "resume_reading"
    assert len(pair.bad.get_buffer(-1)) == whole


def test_pings_are_sent_while_the_peer_reads_them(pair: Pair) -> None:
    pair.reins.ping(5)
    assert pair.transports[1].sent().count(b"\x89\x84") == 5
    feed(pair.bad, frame.encode(frame.PONG, bytes(4)))
    assert (pair.reins.pings, pair.reins.pongs) == (5, 1)
    assert pair.counted("pongs") == 0
    pair.transports[1].shut()
    pair.reins.ping(5)
    assert pair.reins.pings == 5


def test_a_ledger_of_one_row_has_no_place_for_it(loop: asyncio.AbstractEventLoop) -> None:
    with pytest.raises(ValueError, match="no row for awkward users"):
        Pair(loop, rows=1)
