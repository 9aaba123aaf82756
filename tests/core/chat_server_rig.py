"""A chat server in a test's hand: members over socket pairs, read and written by the test."""

import asyncio
import csv
import socket
from pathlib import Path
from typing import Any

from surgewire._core import frame, marker
from surgewire._core.chat import ChatPeer, ChatService
from surgewire._core.connection import Connection
from surgewire._core.poller import Poller
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

KEY = b"\x01\x02\x03\x04"


def text(payload: bytes) -> bytes:
    """What a client sends."""
    return frame.encode(frame.TEXT, payload, mask_key=KEY)


def mark(sequence: int, *, worker: int = 0, room: int = 0) -> bytes:
    return marker.encode(7, room, worker, sequence, 1000 + sequence, 5)


class Member(Owner):
    """One connection, and what its client sees."""

    def __init__(self, chat: "Chat", room: str | None, user: str) -> None:
        super().__init__()
        self.chat, self.room, self.user = chat, room, user
        # Where a poller reads, each call of the server's is one packet.
        kind = socket.SOCK_SEQPACKET if chat.poller else socket.SOCK_STREAM
        self.transport = Transport(kind=kind)
        self.peer = ChatPeer(BUFFER, self, Passed(), chat.service, client=False, poller=chat.poller)
        self._decoder = frame.Decoder(role="client")
        self.peer.connection_made(self.transport)
        assert self.transport.sent() == b"ask?"
        feed(self.peer, b"okay")

    def opened(self, connection: Connection) -> None:
        super().opened(connection)
        self.chat.service.admit(self.peer, self.room, self.user)

    def says(self, *payloads: bytes) -> None:
        """Send messages, all in one read of the server's."""
        feed(self.peer, b"".join(map(text, payloads)))

    def events(self) -> list[Any]:
        """What has come since the last call."""
        data = b""
        while piece := self.transport.sent():
            data += piece
        data += self.transport.written
        self.transport.written.clear()
        return list(self._decoder.feed(data))

    def hears(self) -> list[bytes]:
        events = self.events()
        assert all(event.kind == "message" for event in events), events
        return [event.payload for event in events]

    def goes(self) -> None:
        """Vanish."""
        self.peer.connection_lost(None)


class Chat:
    """A service and its members."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, *, poller: Poller | None = None, **options: Any
    ) -> None:
        self.loop, self.poller = loop, poller
        self.service = ChatService(loop, poller, **options)
        self.members: list[Member] = []

    def member(self, room: str | None = "r", user: str = "") -> Member:
        self.members.append(Member(self, room, user))
        return self.members[-1]

    def run(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def close(self) -> None:
        self.service.close()
        if self.poller is not None:
            self.poller.close()
        for member in self.members:
            member.goes()
            member.transport.shut()


def read_truth(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))
