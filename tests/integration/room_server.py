"""A chat server on `websockets`, as a program: python -m tests.integration.room_server PORT LOG

A member is in the room of its URL (`?room=`), or asks for one by {"type":"join","room":…} and is
answered. What it says is relayed to all of the room. Into LOG goes a line for each connection, when
it was accepted, in ns of CLOCK_MONOTONIC. Joins of users whose number (`?user=`) is named in the
environment's DEAF, like "1,4", are not answered. COMPRESSION=deflate agrees to compression.
"""

import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response

COMPRESSION = os.environ.get("COMPRESSION")
DEAF = set(filter(None, os.environ.get("DEAF", "").split(",")))


class Rooms:
    """Who is in which room."""

    def __init__(self, log: str) -> None:
        self.members: dict[str, set[ServerConnection]] = defaultdict(set)
        self.room_of: dict[ServerConnection, str] = {}
        self.log = Path(log)

    def accept(self, connection: ServerConnection, request: Request, response: Response) -> None:
        """Let it in before the answer leaves: from then on it may expect messages."""
        with self.log.open("a", encoding="ascii") as log:
            print(time.monotonic_ns(), file=log)
        for room in parse_qs(urlsplit(request.path).query).get("room", []):
            self.enter(connection, room)

    def enter(self, connection: ServerConnection, room: str) -> None:
        self.room_of[connection] = room
        self.members[room].add(connection)

    async def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        user = parse_qs(urlsplit(connection.request.path).query).get("user", [""])[0]
        try:
            async for message in connection:
                assert isinstance(message, str)
                if message.startswith('{"type":"join"'):
                    self.enter(connection, json.loads(message)["room"])
                    if user not in DEAF:
                        await connection.send('{"type":"joined"}')
                elif connection in self.room_of:
                    broadcast(self.members[self.room_of[connection]], message)
        except ConnectionClosedError:
            pass
        finally:
            room = self.room_of.pop(connection, None)
            if room is not None:
                self.members[room].discard(connection)


async def main(port: int, log: str) -> None:
    rooms = Rooms(log)
    async with serve(
        rooms.serve, "127.0.0.1", port, process_response=rooms.accept, compression=COMPRESSION
    ) as server:
        (sock,) = server.sockets
        print(f"listening on {sock.getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
