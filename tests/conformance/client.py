"""Drives the native connection through the fuzzing server's cases, echoing."""

import asyncio

import uvloop
from websockets.uri import parse_uri

from surgewire._core.connection import Connection
from surgewire._core.echo import EchoPeer, EchoService
from surgewire._core.stream import ReceiveBuffer
from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from tests.conformance import reference

CASE_TIMEOUT_S = 60.0
CLOSE_TIMEOUT_S = 10.0


class Owner:
    """Waits for the end of one connection."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.ended = asyncio.Event()
        self.is_gone = asyncio.Event()

    def opened(self, connection: Connection) -> None:
        """Nothing to do: the peer echoes by itself."""

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


def drive(url: str, agent: str) -> int:
    """Echo through all cases of the fuzzing server at ``url``; returns how many there were."""
    return uvloop.run(_drive(url, agent))


async def _drive(url: str, agent: str) -> int:
    count = await reference.case_count(url)
    loop = asyncio.get_running_loop()
    service = EchoService(loop)
    buffer = ReceiveBuffer()
    for case in range(1, count + 1):
        await _echo(f"{url}/runCase?case={case}&agent={agent}", buffer, service)
    service.close()
    await reference.update_reports(url, agent)
    return count


async def _echo(url: str, buffer: ReceiveBuffer, service: EchoService) -> None:
    uri = parse_uri(url)
    owner = Owner()
    peer = EchoPeer(
        buffer, owner, ClientUpgrade(UpgradeRequest(uri, "surgewire")), service, client=True
    )
    loop = asyncio.get_running_loop()
    await loop.create_connection(lambda: peer, uri.host, uri.port)
    async with asyncio.timeout(CASE_TIMEOUT_S):
        await owner.ended.wait()
    if owner.failure is not None:
        raise RuntimeError(f"{url}: {owner.failure}")
    # The server closes TCP first (RFC 6455 section 7.1.1); a case in which it does not must not
    # hold up the rest.
    try:
        async with asyncio.timeout(CLOSE_TIMEOUT_S):
            await owner.is_gone.wait()
    except TimeoutError:
        peer.abort()
        await owner.is_gone.wait()
