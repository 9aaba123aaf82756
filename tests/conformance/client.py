"""Drives the native connection through the fuzzing server's cases, echoing."""

import asyncio

import uvloop
from websockets.uri import parse_uri

from surgewire._core.connection import Connection
from surgewire._core.echo import EchoPeer, EchoService
from surgewire._core.stream import ReceiveBuffer
from surgewire._core.tls_context import TlsContext
from surgewire._core.tls_link import TlsLink
from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.deflate import DeflateOffer
from tests.conformance import reference
from tests.conformance.suite import Server

# The longest that the suite gives a case is 480 s.
CASE_TIMEOUT_S = 500.0
CLOSE_TIMEOUT_S = 10.0


class Owner:
    """Waits for the end of one connection."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.ended = asyncio.Event()
        self.is_gone = asyncio.Event()

    def opened(self, connection: Connection) -> None:
        """Nothing to do: the peer echoes by itself."""

    def secured(self, connection: Connection) -> None:
        """Nothing to do: the upgrade follows by itself."""

    def failed(self, connection: Connection, kind: str | None) -> None:
        """Keep why the upgrade failed."""
        self.failure = kind
        self.ended.set()

    def closed(self, connection: Connection, kind: str | None) -> None:
        """The cases end connections in every way; the suite judges them."""
        self.ended.set()

    def gone(self, connection: Connection) -> None:
        """Let the next case begin."""
        self.is_gone.set()


def drive(server: Server, agent: str, *, compresses: bool) -> int:
    """Echo through all cases of the fuzzing server; returns how many there were."""
    return uvloop.run(_drive(server, agent, compresses))


async def _drive(server: Server, agent: str, compresses: bool) -> int:
    count = await reference.case_count(server)
    loop = asyncio.get_running_loop()
    service = EchoService(loop)
    buffer = ReceiveBuffer()
    # Groups 12 and 13 send gigabytes; what they test does not depend on the level.
    offer = DeflateOffer(level=1) if compresses else None
    for case in range(1, count + 1):
        uri = parse_uri(f"{server.url}/runCase?case={case}&agent={agent}")
        owner = Owner()
        upgrade = ClientUpgrade(UpgradeRequest(uri, "surgewire", deflate=offer))
        peer = EchoPeer(buffer, owner, upgrade, service, client=True)
        if server.authority is not None:
            context = TlsContext(ca=str(server.authority))
            peer.secure(TlsLink(context, uri.host, address=True))
        await loop.create_connection(lambda peer=peer: peer, uri.host, uri.port)
        await _see_through(peer, owner, case)
    service.close()
    await reference.update_reports(server, agent)
    return count


async def _see_through(peer: EchoPeer, owner: Owner, case: int) -> None:
    """Wait for the end of a case."""
    async with asyncio.timeout(CASE_TIMEOUT_S):
        await owner.ended.wait()
    if owner.failure is not None:
        raise RuntimeError(f"case number {case}: {owner.failure}")
    # The server closes TCP first (RFC 6455 section 7.1.1); a case in which it does not must not
    # hold up the rest.
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await owner.is_gone.wait()
    except TimeoutError:
        peer.abort()
        await owner.is_gone.wait()
