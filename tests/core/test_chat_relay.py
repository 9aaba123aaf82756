"""Chat traffic of two workers over real sockets, read by pollers, through a relay of the test."""

import asyncio
from collections.abc import Callable
from typing import cast

import numpy as np
import pytest
import uvloop

from surgewire._core import frame, poller
from surgewire._core.chat_traffic import ChatTraffic, ChatUser
from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.template import Template
from surgewire._core.traffic import COUNTERS
from tests.core.chat_rig import RUN, SECOND_NS, Party
from tests.core.wire import Passed

WORKERS, ROOMS, USERS = 2, 3, 24
JOIN = b"let me in: room "


class Relay(asyncio.Protocol):
    """Any four bytes open a connection, a join message joins, all else goes to the room."""

    def __init__(self, rooms: dict[bytes, set[asyncio.Transport]], *, to_others: bool) -> None:
        self._rooms, self._to_others = rooms, to_others
        self._frames: frame.Decoder | None = None
        self._room: set[asyncio.Transport] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._room.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._frames is None:
            self._frames, data = frame.Decoder(role="server"), data[4:]
            self._transport.write(b"okay")
        for event in self._frames.feed(data):
            if event.kind == "close":
                self._transport.close()
            elif event.payload.startswith(JOIN):
                self._room = self._rooms.setdefault(event.payload, set())
                self._room.add(self._transport)
                self._transport.write(frame.encode(frame.TEXT, b"you are in"))
            else:
                for member in self._room - ({self._transport} if self._to_others else set()):
                    member.write(frame.encode(frame.TEXT, event.payload))


class Guests:
    """Owner of the connections: asks for all to be let in."""

    def __init__(self) -> None:
        self.joined_now = self.ended = 0
        self.users: list[ChatUser] = []
        self.traffics: dict[int, ChatTraffic] = {}

    def opened(self, connection: Connection) -> None:
        assert isinstance(connection, ChatUser)
        self.users.append(connection)
        self.traffics[connection.user % WORKERS].add(connection)
        connection.ask(JOIN + b"%d" % connection.room)

    def joined(self, connection: Connection) -> None:
        assert isinstance(connection, ChatUser)
        self.traffics[connection.user % WORKERS].joined(connection)
        self.joined_now += 1

    def failed(self, connection: Connection, kind: str) -> None:
        raise AssertionError(kind)

    def closed(self, connection: Connection, kind: str | None) -> None:
        assert kind is None

    def gone(self, connection: Connection) -> None:
        self.ended += 1


async def until(reached: Callable[[], int], at_least: int) -> None:
    deadline_ns = now_ns() + 20 * SECOND_NS
    while (now := reached()) < at_least:
        assert now_ns() < deadline_ns, f"{now} of {at_least}"
        await asyncio.sleep(0.01)


async def talk(*, to_others: bool) -> tuple[dict[str, int], bool]:
    loop = asyncio.get_running_loop()
    rooms: dict[bytes, set[asyncio.Transport]] = {}
    server = await loop.create_server(lambda: Relay(rooms, to_others=to_others), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    # The books and the histograms; its own connections are not needed.
    party = Party(loop, workers=WORKERS, users=USERS, rooms=ROOMS, slots=1024, join=False)
    guests, buffer = Guests(), ReceiveBuffer()
    pollers = [Poller(loop) if poller.AVAILABLE else None for _ in range(WORKERS)]
    ledgers = [np.zeros((ROOMS, len(LEDGER_COUNTERS)), np.uint64) for _ in range(WORKERS)]
    party.ledgers = ledgers
    counters = np.zeros(len(COUNTERS), np.uint64)
    for worker in range(WORKERS):
        guests.traffics[worker] = ChatTraffic(
            loop,
            Ledger(USERS, 1024, ledgers[worker]),
            Schedule.constant(USERS, 50, SECOND_NS),
            counters,
            party.words,
            run=RUN,
            worker=worker,
            rooms=party.rooms_of(worker),
            template=Template((b"user ", ("user",), b" says ", ("marker",))),
            sizes=None,
            to_others=to_others,
            deadline_ns=60 * SECOND_NS,
            poller=pollers[worker],
            join_matcher=b"you are in",
        )
    try:
        for user in range(USERS):
            await loop.create_connection(
                lambda user=user: ChatUser(  # type: ignore[misc]
                    buffer,
                    guests,
                    Passed(),
                    guests.traffics[user % WORKERS],
                    index=user // WORKERS,
                    user=user,
                    room=party.room_of(user),
                    number=user,
                    poller=pollers[user % WORKERS],
                ),
                "127.0.0.1",
                port,
            )
        await until(lambda: guests.joined_now, USERS)
        start_ns = now_ns()
        for traffic in guests.traffics.values():
            traffic.start(start_ns, start_ns, start_ns + SECOND_NS // 2)
        messages = USERS * 25
        await until(lambda: party.booked().get("sent", 0), messages)
        hearers = USERS // ROOMS - to_others
        await until(lambda: party.booked().get("delivered", 0), messages * hearers)
        for traffic in guests.traffics.values():
            traffic.finish(drained=True)
        booked, holds = party.booked(), party.identity_holds()
        for connection in guests.users:
            connection.close()
        await until(lambda: guests.ended, USERS)
        return booked, holds
    finally:
        for traffic in guests.traffics.values():
            traffic.close()
        for watching in pollers:
            if watching is not None:
                watching.close()
        party.close()
        for connection in guests.users:
            connection.abort()
        server.close()


@pytest.mark.parametrize("to_others", [False, True])
def test_all_is_delivered_and_booked(to_others: bool) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        booked, holds = runner.run(talk(to_others=to_others))
    messages = USERS * 25
    assert holds
    assert booked == {
        "sent": messages,
        "expected": messages * (USERS // ROOMS - to_others),
        "delivered": messages * (USERS // ROOMS - to_others),
        "complete": messages,
    }
