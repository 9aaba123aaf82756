"""The job with ``aiohttp``: ``ClientSession.ws_connect``, on uvloop."""

from __future__ import annotations

import asyncio

import aiohttp
from job import Connection, Receive, main

session: aiohttp.ClientSession | None = None


class Peer:
    """One connection and the task that reads from it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, receive: Receive) -> None:
        self.socket = socket
        self.send = socket.send_str
        self.reader = asyncio.create_task(self._read(receive))

    async def _read(self, receive: Receive) -> None:
        async for message in self.socket:
            answer = receive(message.data)
            if answer is not None:
                await self.socket.send_str(answer)

    async def close(self) -> None:
        """End the reader and close with code 1000."""
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        await self.socket.close()


async def open_connection(url: str, receive: Receive) -> Connection:
    """One session for all connections, without its limit of 100."""
    global session
    if session is None:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    socket = await session.ws_connect(url, autoping=True, compress=0, max_msg_size=1 << 24)
    return Peer(socket, receive)


async def close_session() -> None:
    """Close the shared session."""
    if session is not None:
        await session.close()


if __name__ == "__main__":
    main("aiohttp", open_connection, close_session)
