"""Chat traffic in a test's hand: several workers over one memory, and a relay that obeys."""

import asyncio
import mmap
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from surgewire._core import frame, marker
from surgewire._core.chat_traffic import ChatTraffic, ChatUser
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.deflate import Terms
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.rooms import Rooms, memory_bytes
from surgewire._core.sizes import SizePicker
from surgewire._core.template import Template
from surgewire._core.trace import Trace
from surgewire._core.traffic import COUNTERS
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

RUN = 777
SECOND_NS = 1_000_000_000
HOUR_NS = 3600 * SECOND_NS
WORDS = (
    "message_latency",
    "service_time",
    "send_lag",
    "loop_lag",
    "join_time",
    "rejoin_time",
    "ping_time",
    "fanout_first",
    "fanout_median",
    "fanout_last",
)
Parts = tuple[bytes | tuple[str] | tuple[str, int], ...]
Matcher = bytes | Callable[[bytes], bool] | None


class Doorkeeper(Owner):
    """Lets in whose join is confirmed."""

    def __init__(self) -> None:
        super().__init__()
        self.traffic: ChatTraffic | None = None

    def joined(self, connection: Connection) -> None:
        self.told.append("joined")
        assert isinstance(connection, ChatUser)
        assert self.traffic is not None
        self.traffic.joined(connection)


class Person:
    """One user's connection, with its server's end."""

    def __init__(self, user: ChatUser, deflate: Terms | None = None) -> None:
        self.user = user
        self.transport = Transport()
        self._peer = frame.Decoder(role="server", deflate=deflate)

    def payloads(self) -> list[bytes]:
        """What it has sent since the last call."""
        data = b""
        if self.transport.peer.fileno() < 0:
            return []
        while piece := self.transport.sent():
            data += piece
        data += bytes(self.transport.written)
        self.transport.written.clear()
        return [event.payload for event in self._peer.feed(data) if event.kind == "message"]

    def hear(self, *payloads: bytes) -> None:
        """Let messages arrive, all in one read."""
        feed(self.user, b"".join(frame.encode(frame.TEXT, p) for p in payloads))

    def vanish(self) -> None:
        """End the connection from the server's side."""
        feed(self.user, b"\x88\x02\x03\xe9")


class Party:
    """`users` users in `rooms` rooms, connected by `workers` workers of one process.

    User i is at worker i mod workers and in room i * rooms // users.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        workers: int = 1,
        users: int = 4,
        rooms: int = 1,
        speakers: Iterable[int] | None = None,
        rate: int = 1,
        parts: Parts = (("marker",),),
        sizes: SizePicker | None = None,
        to_others: bool = False,
        matcher: Matcher = None,
        window_bits: int = 1024,
        slots: int = 64,
        trace: Path | None = None,
        join: bool = True,
        ping_ns: int = 0,
        deadline_ns: int = HOUR_NS,
        deflate: Terms | None = None,
    ) -> None:
        self._deflate = deflate
        self.loop, self.users, self.rooms, self.workers = loop, users, rooms, workers
        speakers = list(range(users) if speakers is None else speakers)
        self._numbers = {user: n for n, user in enumerate(speakers)}
        self.memory = np.frombuffer(mmap.mmap(-1, memory_bytes(workers, rooms, slots)), np.uint8)
        self.owner = Doorkeeper()
        self.words = {name: np.zeros(HISTOGRAM_WORDS, np.int64) for name in WORDS}
        self.counters = np.zeros(len(COUNTERS), np.uint64)
        self.ledgers: list[NDArray[np.uint64]] = []
        self.traffics: list[ChatTraffic] = []
        self.traces: list[Trace] = []
        self.looking = self._rooms(slots, None)
        self._own_rooms = [self._rooms(slots, worker) for worker in range(workers)]
        self.schedule = Schedule.constant(len(speakers) or 1, rate, SECOND_NS)
        for worker in range(workers):
            self.ledgers.append(np.zeros((rooms, len(LEDGER_COUNTERS)), np.uint64))
            own = len(range(worker, users, workers))
            if trace is not None:
                self.traces.append(Trace(f"{trace}.{worker}"))
            self.traffics.append(
                ChatTraffic(
                    loop,
                    Ledger(own * workers, window_bits, self.ledgers[-1]),
                    self.schedule,
                    self.counters,
                    self.words,
                    run=RUN,
                    worker=worker,
                    rooms=self._own_rooms[worker],
                    template=Template(parts),
                    sizes=sizes,
                    to_others=to_others,
                    deadline_ns=deadline_ns,
                    join_matcher=matcher,
                    trace=self.traces[-1] if trace is not None else None,
                    ping_ns=ping_ns,
                    ping_timeout_ns=SECOND_NS if ping_ns else 0,
                )
            )
        self._transports: list[Transport] = []
        self.people = [self.connect(user) for user in range(users)]
        for person in self.people if join else ():
            self.traffic_of(person).joined(person.user)

    def _rooms(self, slots: int, worker: int | None) -> Rooms:
        return Rooms(
            self.memory, workers=self.workers, rooms=self.rooms, slots=slots, worker=worker
        )

    def rooms_of(self, worker: int) -> Rooms:
        return self._own_rooms[worker]

    def room_of(self, user: int) -> int:
        return user * self.rooms // self.users

    def traffic_of(self, person: Person) -> ChatTraffic:
        return self.traffics[person.user.user % self.workers]

    def connect(self, user: int) -> Person:
        """Make a new connection for `user`."""
        traffic = self.traffics[user % self.workers]
        person = Person(
            ChatUser(
                BUFFER,
                self.owner,
                Passed(self._deflate),
                traffic,
                index=user // self.workers,
                user=user,
                room=self.room_of(user),
                number=self._numbers.get(user, -1),
            ),
            self._deflate,
        )
        self._transports.append(person.transport)
        person.user.connection_made(person.transport)
        assert person.transport.sent() == b"ask?"
        feed(person.user, b"okay")
        self.owner.traffic = traffic
        traffic.add(person.user)
        return person

    def come_back(self, user: int, *, join: bool = True) -> Person:
        """Replace the connection of `user` by a new one."""
        self.people[user] = self.connect(user)
        if join:
            self.traffic_of(self.people[user]).joined(self.people[user].user)
        return self.people[user]

    def cut_off(self, user: int) -> None:
        """Let the server end a connection, and book it."""
        self.people[user].vanish()
        self.traffic_of(self.people[user]).cut_off(self.people[user].user)

    def leave(self, user: int) -> None:
        """Let a user leave of its own will."""
        self.traffic_of(self.people[user]).leave(self.people[user].user)
        self.people[user].user.close()

    def begin(self, seconds: int, *, warmup: int = 0, last: bool = True) -> int:
        """Start a run that began some seconds ago, and let what is due leave.

        last: nothing is planned for later, so that each speaker sends as many messages as seconds.
        """
        start_ns = now_ns() - seconds * SECOND_NS
        end_ns = start_ns + (seconds * SECOND_NS if last else HOUR_NS)
        for traffic in self.traffics:
            traffic.start(start_ns, start_ns + warmup * SECOND_NS, end_ns)
        self.wake()
        return start_ns

    def wake(self) -> None:
        for traffic in self.traffics:
            traffic._woken()  # type: ignore[attr-defined]

    def said(self) -> list[tuple[int, bytes]]:
        """(user, message) of all that was sent since the last call."""
        return [(p.user.user, message) for p in self.people for message in p.payloads()]

    def relay(self, said: Iterable[tuple[int, bytes]], *, to_others: bool = False) -> None:
        """Deliver to all members, as a server should."""
        for sender, message in said:
            for person in self.people:
                user = person.user
                own = to_others and user.user == sender
                if user.room == self.room_of(sender) and user.is_open and not own:
                    person.hear(message)

    def finish(self, *, drained: bool = True) -> None:
        for traffic in self.traffics:
            traffic.finish(drained=drained)

    def close(self) -> None:
        for traffic in self.traffics:
            traffic.close()
        for trace in self.traces:
            trace.close()
        for transport in self._transports:
            transport.shut()

    def expected(self) -> NDArray[np.uint64]:
        out = np.zeros((self.workers, self.rooms), np.uint64)
        self.looking.expected(out)
        return out

    def booked(self, room: int | None = None) -> dict[str, int]:
        """The account of all workers, of one room or of all; only what is not zero."""
        table = np.sum(self.ledgers, axis=0, dtype=np.uint64)
        table[:, LEDGER_COUNTERS.index("expected")] += self.expected().sum(axis=0, dtype=np.uint64)
        row = table.sum(axis=0, dtype=np.uint64) if room is None else table[room]
        return {name: int(n) for name, n in zip(LEDGER_COUNTERS, row, strict=True) if n}

    def identity_holds(self) -> bool:
        for room in range(self.rooms):
            booked = self.booked(room)
            ends = ("delivered", "lost", "lost_to_disconnect")
            if booked.get("expected", 0) != sum(booked.get(name, 0) for name in ends):
                return False
        return True

    def counted(self, name: str) -> int:
        return int(self.counters[COUNTERS.index(name)])

    def histogram(self, name: str) -> Histogram:
        return Histogram(self.words[name])


def markers_in(said: Iterable[tuple[int, bytes]]) -> list[marker.Marker]:
    return [found for _, message in said for _, found in marker.find_all(message) if found]
