"""A chat server on Starlette and uvicorn: each member has a queue, and a task to write from it."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.delivery.serving import Member, Message, Rooms, run


class Server(uvicorn.Server):
    """Leaves signals to the program, which has a record to write."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def write(
    rooms: Rooms, member: Member, connection: WebSocket, waiting: "asyncio.Queue[Message]"
) -> None:
    """Write what waits, until the library tells that the connection has ended."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            message = await waiting.get()
            rooms.note("sent", member, message)
            if isinstance(message, str):
                await connection.send_text(message)
            else:
                await connection.send_bytes(message)


async def handle(connection: WebSocket, rooms: Rooms) -> None:
    # A member before the answer leaves, for from then on it may expect messages.
    waiting: asyncio.Queue[Message] = asyncio.Queue()
    member = rooms.open(connection.url.query, lambda _, message: waiting.put_nowait(message))
    await connection.accept()
    writing = asyncio.create_task(write(rooms, member, connection, waiting))
    try:
        while (event := await connection.receive())["type"] == "websocket.receive":
            text = event.get("text")
            rooms.take(member, event["bytes"] if text is None else text)
    finally:
        rooms.leave(member)
        writing.cancel()
        while not waiting.empty():
            rooms.note("unsent", member, waiting.get_nowait())


async def serve_chat(sock: socket.socket, rooms: Rooms) -> None:
    async def endpoint(connection: WebSocket) -> None:
        await handle(connection, rooms)

    app = Starlette(routes=[WebSocketRoute("/", endpoint)])
    config = uvicorn.Config(
        app, ws="wsproto", ws_per_message_deflate=False, log_level="error", lifespan="off"
    )
    await Server(config).serve(sockets=[sock])


if __name__ == "__main__":
    run(serve_chat)
