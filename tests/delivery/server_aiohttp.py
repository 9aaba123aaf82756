"""A chat server on `aiohttp`: each member has a queue, and a task that writes from it."""

import asyncio
import contextlib
import socket

from aiohttp import ClientConnectionError, WSMsgType, web

from tests.delivery.serving import Member, Message, Rooms, run


async def write(
    rooms: Rooms,
    member: Member,
    response: web.WebSocketResponse,
    waiting: "asyncio.Queue[Message]",
) -> None:
    """Write what waits, until the library tells that the connection has ended."""
    with contextlib.suppress(ClientConnectionError):
        while True:
            message = await waiting.get()
            rooms.note("sent", member, message)
            if isinstance(message, str):
                await response.send_str(message)
            else:
                await response.send_bytes(message)


async def handle(request: web.Request, rooms: Rooms) -> web.WebSocketResponse:
    response = web.WebSocketResponse(compress=False, timeout=1)
    # A member before the answer leaves, for from then on it may expect messages.
    waiting: asyncio.Queue[Message] = asyncio.Queue()
    member = rooms.open(request.query_string, lambda _, message: waiting.put_nowait(message))
    await response.prepare(request)
    writing = asyncio.create_task(write(rooms, member, response, waiting))
    try:
        async for message in response:
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                rooms.take(member, message.data)
    finally:
        rooms.leave(member)
        writing.cancel()
        while not waiting.empty():
            rooms.note("unsent", member, waiting.get_nowait())
    return response


async def serve_chat(sock: socket.socket, rooms: Rooms) -> None:
    app = web.Application()
    app.router.add_get("/", lambda request: handle(request, rooms))
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    run(serve_chat)
