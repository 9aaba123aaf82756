"""What a misbehaving server does to a connection before it is open, by name."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable

from tests.integration.peer import Peer

Behaviour = Callable[[Peer], Awaitable[None]]

FIRST_COME = 10
GREETING_S = 0.2
LIMIT_PER_S = 200
"""What `limited` answers."""


async def reset_at_accept(peer: Peer) -> None:
    peer.reset()


async def reset_in_upgrade(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def eof_in_upgrade(peer: Peer) -> None:
    await peer.request()


async def half_a_response(peer: Peer) -> None:
    response = await peer.response()
    await peer.write(response[: len(response) // 2])


async def reset_after_half_a_response(peer: Peer) -> None:
    await half_a_response(peer)
    peer.reset()


async def silent(peer: Peer) -> None:
    while await peer.reader.read(65536):
        pass


async def hangs_up_at_hello(peer: Peer) -> None:
    """Read what comes first, of whatever protocol, and hang up."""
    await peer.reader.read(65536)


async def resets_at_hello(peer: Peer) -> None:
    await peer.reader.read(65536)
    peer.reset()


async def alerts(peer: Peer) -> None:
    """Answer the first message of a TLS handshake with a fatal alert, handshake_failure."""
    await peer.reader.read(65536)
    await peer.write(b"\x15\x03\x03\x00\x02\x02\x28")
    await silent(peer)


async def endless_response(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"HTTP/1.1 101 Switching Protocols\r\n")
    while not peer.writer.is_closing():
        await peer.write(b"X: y\r\n")
        await asyncio.sleep(0.005)


async def heavy_response(peer: Peer) -> None:
    await peer.request()
    await peer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + b"X: y\r\n" * 50_000)
    await silent(peer)


def responding(head: str, body: str = "") -> Behaviour:
    async def respond(peer: Peer) -> None:
        await peer.request()
        text = f"{head}\r\nContent-Length: {len(body)}\r\n\r\n{body}".replace("\n", "\r\n")
        await peer.write(text.replace("\r\r", "\r").encode())
        await silent(peer)

    return respond


async def slow_upgrade(peer: Peer) -> None:
    """Take 0.3 s for the response."""
    response = await peer.response()
    await asyncio.sleep(0.3)
    await peer.write(response)
    await peer.until_gone()


async def refuses_some(peer: Peer) -> None:
    """Say 429 to every third connection."""
    # Others come while this one is read.
    number = peer.truth["accepted"]
    response = await peer.response()
    if number % 3:
        await peer.write(response)
        await peer.until_gone()
    else:
        peer.truth["refused"] += 1
        await peer.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        await silent(peer)


async def first_come(peer: Peer) -> None:
    """Take the first ten, and nobody else."""
    number = peer.truth["accepted"]
    response = await peer.response()
    if number <= FIRST_COME:
        await peer.write(response)
        await peer.until_gone()
    else:
        await peer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        await silent(peer)


async def greets_late(peer: Peer) -> None:
    """Say the first word some time after the upgrade."""
    await peer.upgrade()
    await asyncio.sleep(GREETING_S)
    await peer.send(b"hello")
    await peer.until_gone()


async def limited(peer: Peer) -> None:
    """Answer at a rate that is known, in the order of coming, however many wait."""
    response = await peer.response()
    now_ns = time.monotonic_ns()
    turn_ns = max(peer.truth["turn_ns"], now_ns) + 1_000_000_000 // LIMIT_PER_S
    peer.truth["turn_ns"] = turn_ns
    await asyncio.sleep((turn_ns - now_ns) / 1e9)
    await peer.write(response)
    await peer.until_gone()


async def garbage(peer: Peer) -> None:
    await peer.write(b"220 mail.example.com ESMTP ready to take your letters\r\n")
    await silent(peer)


def altering(pattern: str, replacement: str) -> Behaviour:
    """Upgrade with a response in which something is not what it should be."""

    async def upgrade(peer: Peer) -> None:
        response = (await peer.response()).decode()
        altered = re.sub(pattern, replacement, response)
        assert altered != response
        await peer.write(altered.encode())
        await silent(peer)

    return upgrade


_BAD_GATEWAY = "HTTP/1.1 502 Bad Gateway\nContent-Type: text/html"

HANDSHAKES: dict[str, Behaviour] = {
    "reset_at_accept": reset_at_accept,
    "reset_in_upgrade": reset_in_upgrade,
    "eof_in_upgrade": eof_in_upgrade,
    "half_a_response": half_a_response,
    "reset_after_half_a_response": reset_after_half_a_response,
    "silent": silent,
    "hangs_up_at_hello": hangs_up_at_hello,
    "resets_at_hello": resets_at_hello,
    "alerts": alerts,
    "endless_response": endless_response,
    "heavy_response": heavy_response,
    "http_200": responding("HTTP/1.1 200 OK", "<html>Welcome</html>"),
    "http_301": responding("HTTP/1.1 301 Moved Permanently\nLocation: ws://localhost/"),
    "http_404": responding("HTTP/1.1 404 Not Found"),
    "http_429": responding("HTTP/1.1 429 Too Many Requests\nRetry-After: 1"),
    "http_502": responding(_BAD_GATEWAY, "x" * 100_000),
    "http_503": responding("HTTP/1.0 503 Service Unavailable"),
    "slow_upgrade": slow_upgrade,
    "refuses_some": refuses_some,
    "first_come": first_come,
    "greets_late": greets_late,
    "limited": limited,
    "garbage": garbage,
    "wrong_accept": altering(r"Accept: \S+", f"Accept: {'A' * 27}="),
    "no_accept": altering(r"Sec-WebSocket-Accept: .*\r\n", ""),
    "no_upgrade": altering(r"Upgrade: websocket", "Upgrade: h2c"),
    "unasked_extension": altering(
        r"\r\n\r\n$", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    ),
    "unasked_subprotocol": altering(r"\r\n\r\n$", "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"),
}
