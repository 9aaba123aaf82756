"""The job with ``websockets``: its asyncio client, on uvloop."""

from __future__ import annotations

import asyncio

from job import Connection, Receive, main
from websockets.asyncio.client import ClientConnection, connect


class Peer:
    """One connection and the task that reads from it."""

    def __init__(self, socket: ClientConnection, receive: Receive) -> None:
        self.socket = socket
        self.send = socket.send
        self.reader = asyncio.create_task(self._read(receive))

    async def _read(self, receive: Receive) -> None:
        async for message in self.socket:
            assert isinstance(message, str)
            answer = receive(message)
            if answer is not None:
                await self.socket.send(answer)

    async def close(self) -> None:
        """Close with code 1000 and end the reader."""
        await self.socket.close()
        await self.reader


async def open_connection(url: str, receive: Receive) -> Connection:
    """Without compression and keepalive pings, which the others do not do either."""
    socket = await connect(url, compression=None, ping_interval=None, proxy=None)
    return Peer(socket, receive)


if __name__ == "__main__":
    main("websockets", open_connection)
