import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from surgewire._core import frame
from surgewire._core.connect_traffic import ConnectTraffic, ConnectUser
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.traffic import COUNTERS
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

MS = 1_000_000
WORDS = (
    "message_latency",
    "service_time",
    "send_lag",
    "loop_lag",
    "ping_time",
    "first_message_time",
    "rejoin_time",
)


class Told(Owner):
    """An owner that is told of greetings."""

    def __init__(self) -> None:
        super().__init__()
        self.greeted: list[ConnectUser] = []

    def joined(self, connection: ConnectUser) -> None:
        self.greeted.append(connection)


class Place:
    """Traffic of two users, whose connections a test makes."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.counters = np.zeros(len(COUNTERS), np.uint64)
        self.words = {name: np.zeros(HISTOGRAM_WORDS, np.int64) for name in WORDS}
        self.traffic = self.make_traffic()
        self.owner = Told()
        self.transports: list[Transport] = []

    def make_traffic(self, without: str = "") -> ConnectTraffic:
        return ConnectTraffic(
            self.loop,
            Ledger(1, 128, np.zeros(len(LEDGER_COUNTERS), np.uint64)),
            None,
            self.counters,
            {name: words for name, words in self.words.items() if name != without},
            run=1,
            worker=0,
            deadline_ns=0,
            users=2,
        )

    def connect(self, index: int = 0, *, awaits: bool = True) -> ConnectUser:
        user = ConnectUser(
            BUFFER,
            self.owner,
            Passed(),
            self.traffic,
            index=index,
            user=40 + index,
            awaits_greeting=awaits,
        )
        self.transports.append(Transport())
        user.connection_made(self.transports[-1])
        feed(user, b"okay")
        return user

    def counted(self, name: str) -> int:
        return int(self.counters[COUNTERS.index(name)])

    def histogram(self, name: str) -> Histogram:
        return Histogram(self.words[name])

    def close(self) -> None:
        self.traffic.close()
        for transport in self.transports:
            transport.shut()
        self.loop.close()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place()
    yield place
    place.close()


def text(payload: bytes) -> bytes:
    return frame.encode(frame.TEXT, payload)


def test_the_first_message_is_timed_and_told_once(place: Place) -> None:
    user = place.connect()
    assert (user.greeted_ns, place.owner.greeted) == (0, [])
    feed(user, text(b"hello") + text(b"again"))
    feed(user, text(b"and again"))
    assert place.owner.greeted == [user]
    assert user.greeted_ns > user.open_ns
    times = place.histogram("first_message_time")
    assert times.count == 1
    assert times.max == pytest.approx(user.greeted_ns - user.open_ns, rel=0.01, abs=1_000)
    assert place.counted("frames_in") == 3


def test_who_awaits_nothing_is_told_of_nothing(place: Place) -> None:
    feed(place.connect(awaits=False), text(b"hello"))
    assert place.owner.greeted == []
    assert place.histogram("first_message_time").count == 0
    assert place.counted("frames_in") == 1


def test_who_left_and_is_back_was_away_for_a_time(place: Place) -> None:
    first = place.connect()
    place.traffic.arrived(first, first.open_ns)
    place.traffic.leave(first)
    again = place.connect()
    place.traffic.arrived(again, again.open_ns + 70 * MS)
    assert [place.counted(name) for name in ("joined", "left", "rejoined")] == [1, 1, 1]
    away = place.histogram("rejoin_time")
    assert away.count == 1
    assert away.max >= 70 * MS


def test_who_comes_back_uncalled_was_not_away(place: Place) -> None:
    for _ in range(2):
        user = place.connect(index=1)
        place.traffic.arrived(user, user.open_ns)
    assert place.counted("rejoined") == 1
    assert place.histogram("rejoin_time").count == 0


def test_who_is_not_open_does_not_arrive(place: Place) -> None:
    user = place.connect()
    user.abort()
    place.traffic.arrived(user, 5)
    assert place.counted("joined") == 0


def test_what_does_not_fit_is_refused(place: Place) -> None:
    with pytest.raises(ValueError, match="index is 2; there are 2 users"):
        place.connect(index=2)
    with pytest.raises(ValueError, match="there is no histogram for first_message_time"):
        place.make_traffic(without="first_message_time")
