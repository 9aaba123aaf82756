"""The connections of one process of a target."""

import asyncio

from surgewire._core.connection import Connection


class Visitors:
    """Keeps account of all connections, so that they can be ended with their process."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.all: set[Connection] = set()

    def opened(self, connection: Connection) -> None:
        """Keep it."""
        self.all.add(connection)

    def failed(self, connection: Connection, kind: str) -> None:
        """Take no notice: a request that is no upgrade has had its answer."""

    def closed(self, connection: Connection, kind: str | None) -> None:
        """Wait for `gone`."""

    def gone(self, connection: Connection) -> None:
        """Let it go."""
        self.all.discard(connection)

    async def end(self) -> None:
        """End them all, without a closing handshake."""
        for connection in list(self.all):
            connection.abort()
        await asyncio.sleep(0)
