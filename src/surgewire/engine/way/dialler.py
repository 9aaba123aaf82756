"""From a connection and a user to an established transport: name, TCP, TLS."""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress

from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire.engine.way.attempt import Attempt
from surgewire.engine.way.resolver import Resolver
from surgewire.engine.way.sources import socket_from
from surgewire.plan.models import Plan


class Dialler:
    """Dials the target of `plan` from `sources`; see source_addresses().

    tls: the context for a target that wants TLS, else None.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        sources: Sequence[str],
        tls: ssl.SSLContext | None,
    ) -> None:
        """Prepare; nothing is looked up yet."""
        self._loop = loop
        self._target = plan.target
        self._timeout_s = plan.connect_timeout_ns / 1e9
        self._sources = sources
        self._tls = tls
        self._resolver = Resolver(loop, plan.target, cached=plan.kind != "connect")

    async def dial(self, connection: Connection, attempt: Attempt) -> None:
        """Establish the transport of `connection` and stamp `attempt`; it upgrades by itself.

        Raises OSError (socket.gaierror where the name is unknown) and ssl.SSLError.
        """
        try:
            await self._dial(connection, attempt)
        except OSError:
            if attempt.again:
                self._resolver.forget()
            raise

    async def _dial(self, connection: Connection, attempt: Attempt) -> None:
        source = self._sources[attempt.user % len(self._sources)] if self._sources else None
        family = socket.AF_INET if source else 0
        addresses, waited = await self._resolver.resolve(family)
        attempt.dialled_ns = now_ns() if waited else attempt.begun_ns
        transport = await self._connect(connection, addresses, source)
        # A reset may be known to the transport and not to the connection yet, which will tell of
        # it; starting TLS on what is closed would raise into the loop.
        if self._tls is not None and not transport.is_closing():
            attempt.securing = True
            await self._secure(connection, transport, self._tls)

    async def _connect(
        self, connection: Connection, addresses: Sequence[str], source: str | None
    ) -> asyncio.Transport:
        for address in addresses[:-1]:
            with suppress(OSError):
                return await self._connect_to(address, connection, source)
        return await self._connect_to(addresses[-1], connection, source)

    async def _connect_to(
        self, address: str, connection: Connection, source: str | None
    ) -> asyncio.Transport:
        port = self._target.port
        if source is None:
            return (await self._loop.create_connection(lambda: connection, address, port))[0]
        sock = socket_from(source)
        try:
            await self._loop.sock_connect(sock, (address, port))
            return (await self._loop.create_connection(lambda: connection, sock=sock))[0]
        except BaseException:
            sock.close()
            raise

    async def _secure(
        self, connection: Connection, transport: asyncio.Transport, tls: ssl.SSLContext
    ) -> None:
        secured = await self._loop.start_tls(
            transport,
            connection,
            tls,
            server_hostname=self._target.host,
            # What takes too long is named by the connector, and before this.
            ssl_handshake_timeout=2 * self._timeout_s + 1,
        )
        assert secured is not None
        connection.secured(secured)
