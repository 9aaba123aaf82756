"""From a connection and a user to an established transport: where, socket, TCP, proxy, TLS."""

import asyncio
import socket
from collections.abc import Sequence

from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire.engine import taxonomy
from surgewire.engine.way.attempt import Attempt
from surgewire.engine.way.deadlines import Deadlines
from surgewire.engine.way.facts import FactNames
from surgewire.engine.way.proxy import pass_proxy
from surgewire.engine.way.resolver import Addresses, Resolver
from surgewire.engine.way.sockets import tcp_socket, unix_socket
from surgewire.engine.way.tls import TlsLayer
from surgewire.plan.models import Plan
from surgewire.plan.way.route_checks import first_hop
from surgewire.plan.way.sockets import SocketPart


class Dialler:
    """Dials the target of `plan` from `sources`; see source_addresses().

    tls: what a target that wants TLS gets, else None. deadlines: are told of each phase.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        plan: Plan,
        sources: Sequence[str],
        tls: TlsLayer | None,
        deadlines: Deadlines,
    ) -> None:
        """Prepare; nothing is looked up yet."""
        self._loop = loop
        self._target = plan.target
        self._hop = first_hop(plan)
        self._via = plan.route.via
        self._looks_target_up = self._via is not None and not self._via.looks_up
        self._options = plan.sockets
        # Beyond what the connector, which names what takes too long, allows at all.
        self._patience_s = 2 * plan.attempt_timeout_ns / 1e9 + 1
        self._sources = sources
        self._tls = tls
        self._resolver = Resolver(
            loop,
            cached=plan.kind != "connect",
            given=plan.route.resolutions,
            version=plan.route.ip_version,
        )
        self._tells_address = not plan.target.unix_path and self._resolver.is_name(*self._hop)
        # Where the loop makes sockets as we want them, it connects them with the least effort.
        self._own_sockets = bool(sources) or plan.sockets.any or self._via is not None
        # A single address, of which nothing else is asked: what most attempts dial, so kept short.
        more = plan.target.unix_path or self._tells_address or self._own_sockets
        self._straight = None if more or plan.route.ip_version else self._hop
        self._address_facts = FactNames("address")
        self._failed_facts = FactNames("address_failed")
        self._source_facts = FactNames("source")
        self._deadlines = deadlines

    async def dial(self, connection: Connection, attempt: Attempt) -> None:
        """Establish the transport of `connection` and stamp `attempt`.

        TLS and the upgrade follow by themselves. Raises OSError (socket.gaierror where the name is
        unknown) and AttemptError.
        """
        if self._tls is not None:
            connection.secure(self._tls.link(self._target.host, attempt.user))
        try:
            transport = await self._reach(connection, attempt)
        except (OSError, taxonomy.AttemptError):
            if attempt.again:
                self._resolver.forget()
            raise
        if self._options.quickack is not None:
            fileno = transport.get_extra_info("socket").fileno()
            connection.acknowledge(fileno, self._options.quickack)
        if self._tls is not None:
            self._deadlines.secure(connection, connection.tcp_ns)
        else:
            self._deadlines.upgrade(connection, connection.tcp_ns)

    # Where.

    async def _reach(self, connection: Connection, attempt: Attempt) -> asyncio.Transport:
        """Connect to the target, over whatever way."""
        if self._straight is not None and connection.manners is None:
            attempt.dialled_ns = attempt.begun_ns
            made = self._loop.create_connection(lambda: connection, *self._straight)
            return (await made)[0]
        if self._target.unix_path:
            attempt.dialled_ns = attempt.begun_ns
            return await self._connect_unix(connection)
        if self._via is None:
            return await self._to_any_address(connection, attempt)
        try:
            return await self._to_any_address(connection, attempt)
        except OSError as error:
            raise taxonomy.AttemptError(taxonomy.proxy_error_kind(error)) from error

    async def _to_any_address(self, connection: Connection, attempt: Attempt) -> asyncio.Transport:
        """Try the addresses of the first hop, beginning with the one whose turn it is."""
        addresses = None if self._looks_target_up else self._resolver.known(self._hop)
        inner = self._target.host
        if addresses is None:
            addresses, inner = await self._look_up(attempt)
        else:
            attempt.dialled_ns = attempt.begun_ns
        source, turn = self._source_and_turn(attempt.user)
        version = None if source is None else 6 if ":" in source else 4
        in_turn = addresses.for_turn(turn, version)
        for address in in_turn[:-1]:
            try:
                return await self._connect(connection, attempt, address, source, inner)
            except OSError:
                attempt.facts.append(self._failed_facts.name(address))
                attempt.proxied_ns = 0
        return await self._connect(connection, attempt, in_turn[-1], source, inner)

    async def _look_up(self, attempt: Attempt) -> tuple[Addresses, str]:
        """Return the addresses of the first hop, and what a proxy is to be asked for."""
        addresses, waited = await self._resolver.resolve(*self._hop)
        inner = self._target.host
        if self._looks_target_up:
            try:
                found, longer = await self._resolver.resolve(inner, self._target.port)
            except socket.gaierror:
                raise taxonomy.AttemptError("dns") from None
            inner = found.for_turn(attempt.user)[0]
            waited = waited or longer
        attempt.dialled_ns = now_ns() if waited else attempt.begun_ns
        return addresses, inner

    def _source_and_turn(self, user: int) -> tuple[str | None, int]:
        """Return where `user` connects from, and its turn among those who do.

        So users of one source go to all addresses of the target, and not always to the same one.
        """
        if not self._sources:
            return None, user
        turn, source = divmod(user, len(self._sources))
        return self._sources[source], turn

    # Socket, TCP, proxy.

    async def _connect(
        self,
        connection: Connection,
        attempt: Attempt,
        address: str,
        source: str | None,
        inner: str,
    ) -> asyncio.Transport:
        # Before, because the answer to the upgrade may be here before this task has its next turn.
        attempt.trying = self._names_of(address, source)
        if self._own_sockets or self._options_for(connection) is not self._options:
            return await self._connect_own(connection, attempt, address, source, inner)
        port = self._hop[1]
        return (await self._loop.create_connection(lambda: connection, address, port))[0]

    def _names_of(self, address: str, source: str | None) -> tuple[str, ...]:
        """Return the names under which a way is counted; that to a single address is not."""
        names = (self._address_facts.name(address),) if self._tells_address else ()
        return names if source is None else (*names, self._source_facts.name(source))

    async def _connect_own(
        self,
        connection: Connection,
        attempt: Attempt,
        address: str,
        source: str | None,
        inner: str,
    ) -> asyncio.Transport:
        options = self._options_for(connection)
        sock = tcp_socket(6 if ":" in address else 4, options, source)
        try:
            await self._loop.sock_connect(sock, (address, self._hop[1]))
            if self._via is not None:
                attempt.proxied_ns = now_ns()
                port = self._target.port
                await pass_proxy(self._loop, self._via, sock, inner, port, self._patience_s)
            return (await self._loop.create_connection(lambda: connection, sock=sock))[0]
        except BaseException:
            sock.close()
            raise

    def _options_for(self, connection: Connection) -> SocketPart:
        """Return what the socket of a connection is to be like, which its user may decide."""
        if connection.manners is None:
            return self._options
        part: SocketPart = connection.manners.sockets(self._options)
        return part

    async def _connect_unix(self, connection: Connection) -> asyncio.Transport:
        path = self._target.unix_path
        options = self._options_for(connection)
        try:
            if not options.any:
                return (await self._loop.create_unix_connection(lambda: connection, path))[0]
            sock = unix_socket(options)
            try:
                await self._loop.sock_connect(sock, path)
                return (await self._loop.create_unix_connection(lambda: connection, sock=sock))[0]
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            raise taxonomy.AttemptError(taxonomy.unix_error_kind(error)) from error
