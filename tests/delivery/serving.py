"""What the chat servers of the proof share: who is in which room, and how such a program runs.

Usage of each: python -m tests.delivery.SERVER TRUTH [others]. The URL is printed as the first line;
the truth is written when the program is ended. `others`: a sender does not hear itself.
"""

import asyncio
import json
import logging
import signal
import socket
import sys
from collections import defaultdict
from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.delivery.record import Peer, Record
from tests.delivery.token import find_token

Message = str | bytes

ANSWER_S = 0.01
"""A member hears its room for so long before it is told that it has joined."""


class Member:
    """One connection: `send` puts down what it does right before it writes."""

    def __init__(self, number: int, query: str, send: Callable[["Member", Message], None]) -> None:
        values = parse_qs(query)
        user, room = (values.get(name, [""])[0] for name in ("user", "room"))
        self.peer = Peer(number, user, room)
        self.send = send


class Rooms:
    """Who is a member of what, and what is done with a message."""

    def __init__(self, record: Record, *, others: bool) -> None:
        self.record, self.others = record, others
        self._members: dict[str, dict[int, Member]] = defaultdict(dict)
        self._numbers = count()

    def open(self, query: str, send: Callable[[Member, Message], None]) -> Member:
        """A connection came; its URL may already say which room it is for."""
        member = Member(next(self._numbers), query, send)
        self.record.note("opened", member.peer)
        if member.peer.room:
            self.join(member, member.peer.room)
        return member

    def join(self, member: Member, room: str) -> None:
        member.peer = member.peer._replace(room=room)
        self._members[room][member.peer.connection] = member
        self.record.note("joined", member.peer)

    def leave(self, member: Member) -> None:
        self._members[member.peer.room].pop(member.peer.connection, None)
        self.record.note("left", member.peer)

    def take(self, member: Member, message: Message) -> None:
        """Let a member into its room, or relay what it says to all who are there."""
        payload = message.encode() if isinstance(message, str) else message
        token = find_token(payload)
        if token is None:
            request = json.loads(payload)
            assert request["type"] == "join", request
            self.join(member, request["room"])
            answer = json.dumps({"type": "joined", "room": request["room"]})
            asyncio.get_running_loop().call_later(ANSWER_S, member.send, member, answer)
            return
        self.record.note("received", member.peer, token)
        for other in list(self._members[member.peer.room].values()):
            if not (self.others and other is member):
                other.send(other, message)

    def note(self, event: str, member: Member, message: Message) -> None:
        """Put down that this is about to be written, or is not; what has no marker is no matter."""
        payload = message.encode() if isinstance(message, str) else message
        if (token := find_token(payload)) is not None:
            self.record.note(event, member.peer, token)


def query_of(url: str) -> str:
    return urlsplit(url).query


def run(serve: Callable[[socket.socket, Rooms], Coroutine[Any, Any, None]]) -> None:
    """Serve on a free port until the program is told to end, then write the truth."""
    truth, *style = sys.argv[1:]
    # It warns of each write to a connection that has just been cut, which is what is to happen.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    rooms = Rooms(Record(), others=style == ["others"])
    asyncio.run(_until_told(serve, rooms))
    rooms.record.write(Path(truth))


async def _until_told(
    serve: Callable[[socket.socket, Rooms], Coroutine[Any, Any, None]], rooms: Rooms
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        serving = asyncio.create_task(serve(sock, rooms))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        # Whoever connects from now on waits in the queue until the server is there.
        print(f"listening on ws://127.0.0.1:{sock.getsockname()[1]}/", flush=True)
        await asyncio.gather(serving, return_exceptions=True)
