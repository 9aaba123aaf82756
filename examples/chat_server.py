"""A chat server on aiohttp, to try Surgewire on; docs/delivery.md shows the command that tests it.

Members join by ``{"type":"join","room":"…"}``; every other message goes to all members of the room.
"""

import argparse
import asyncio
import json
from collections import defaultdict

from aiohttp import WSMsgType, web

ROOMS: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def relay(text: str, members: set[web.WebSocketResponse]) -> None:
    """Send a message to all members; one who is just leaving holds nobody up."""
    await asyncio.gather(*(each.send_str(text) for each in members), return_exceptions=True)


async def chat(request: web.Request) -> web.WebSocketResponse:
    """Serve one connection: a join, then messages for its room."""
    me = web.WebSocketResponse(compress=False)
    await me.prepare(request)
    room = None
    try:
        async for message in me:
            if message.type is not WSMsgType.TEXT:
                continue
            said = json.loads(message.data)
            if said["type"] == "join":
                room = said["room"]
                ROOMS[room].add(me)
                await me.send_str(f'{{"type":"joined","room":{json.dumps(room)}}}')
            elif room is not None:
                await relay(message.data, ROOMS[room])
    finally:
        if room is not None:
            ROOMS[room].discard(me)
    return me


def main() -> None:
    """Read the command line and serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args()
    app = web.Application()
    app.router.add_get("/ws", chat)
    web.run_app(app, host="127.0.0.1", port=options.port)


if __name__ == "__main__":
    main()
