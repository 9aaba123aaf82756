"""Echo servers made with libraries that people use, each a program: NAME STYLE.

The port is printed as the first line. STYLE is `plain`, or `json`: then each connection is greeted,
and every message comes back as a field of a JSON object.
"""

import asyncio
import json
import socket
import sys
from collections.abc import Callable, Coroutine
from typing import Any

GREETING = json.dumps({"type": "welcome", "server": "test", "you are": 7})


class Style:
    """What a server says."""

    def __init__(self, name: str) -> None:
        self.greets = name == "json"

    def reply(self, text: str) -> str:
        return json.dumps({"type": "message", "body": {"text": text}}) if self.greets else text


async def serve_websockets(sock: socket.socket, style: Style) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def handle(connection: ServerConnection) -> None:
        if style.greets:
            await connection.send(GREETING)
        async for message in connection:
            await connection.send(style.reply(str(message)))

    async with serve(handle, sock=sock) as server:
        await server.serve_forever()


async def serve_aiohttp(sock: socket.socket, style: Style) -> None:
    from aiohttp import WSMsgType, web

    async def handle(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        if style.greets:
            await response.send_str(GREETING)
        async for message in response:
            if message.type is WSMsgType.TEXT:
                await response.send_str(style.reply(message.data))
        return response

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    await asyncio.Event().wait()


async def serve_starlette(sock: socket.socket, style: Style) -> None:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import WebSocketRoute
    from starlette.websockets import WebSocket

    async def handle(connection: WebSocket) -> None:
        await connection.accept()
        if style.greets:
            await connection.send_text(GREETING)
        async for text in connection.iter_text():
            await connection.send_text(style.reply(text))

    app = Starlette(routes=[WebSocketRoute("/", handle)])
    config = uvicorn.Config(app, ws="wsproto", log_level="error", lifespan="off")
    await uvicorn.Server(config).serve(sockets=[sock])


SERVERS: dict[str, Callable[[socket.socket, Style], Coroutine[Any, Any, None]]] = {
    "websockets": serve_websockets,
    "aiohttp": serve_aiohttp,
    "starlette": serve_starlette,
}


def main(name: str, style: str) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as sock:
        # Whoever connects from now on waits in the queue until the server is there.
        print(sock.getsockname()[1], flush=True)
        asyncio.run(SERVERS[name](sock, Style(style)))


if __name__ == "__main__":
    main(*sys.argv[1:])
