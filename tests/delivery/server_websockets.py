"""A chat server on `websockets`: relays with its `broadcast`, which writes without waiting."""

import asyncio
import contextlib
import socket

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response
from websockets.protocol import State

from tests.delivery.serving import Member, Message, Rooms, query_of, run


class Chat:
    """Members by connection."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.members: dict[ServerConnection, Member] = {}

    def admit(self, connection: ServerConnection, request: Request, response: Response) -> None:
        """Make it a member before the answer leaves, for from then on it may expect messages."""

        def send(member: Member, message: Message) -> None:
            # What `broadcast` itself looks at; it would leave the connection out without a word.
            if connection.protocol.state is State.OPEN:
                self.rooms.note("sent", member, message)
                broadcast([connection], message, raise_exceptions=True)
            else:
                self.rooms.note("unsent", member, message)

        self.members[connection] = self.rooms.open(query_of(request.path), send)

    async def handle(self, connection: ServerConnection) -> None:
        member = self.members.pop(connection)
        with contextlib.suppress(ConnectionClosedError):
            async for message in connection:
                self.rooms.take(member, message)
        self.rooms.leave(member)


async def serve_chat(sock: socket.socket, rooms: Rooms) -> None:
    chat = Chat(rooms)
    async with serve(
        chat.handle, sock=sock, process_response=chat.admit, compression=None, close_timeout=1
    ):
        await asyncio.Event().wait()


if __name__ == "__main__":
    run(serve_chat)
