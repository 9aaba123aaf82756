"""From a socket that is connected to a proxy to one that leads to the target."""

import asyncio
import socket
from typing import Any

from python_socks import ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy as SocksProxy

from surgewire.dialects.http_proxy import ConnectAnswer, connect_request
from surgewire.dialects.upgrade import MAX_HEAD_BYTES, UpgradeError
from surgewire.engine.taxonomy import AttemptError
from surgewire.plan.way.proxy import Proxy
from surgewire.release import release

# RFC 1928, section 6: what a SOCKS5 proxy says when it does not go on.
_REPLIES = {
    1: "proxy_socks_failure",
    2: "proxy_socks_not_allowed",
    3: "proxy_socks_network_unreachable",
    4: "proxy_socks_host_unreachable",
    5: "proxy_socks_connection_refused",
    6: "proxy_socks_ttl_expired",
    7: "proxy_socks_command",
    8: "proxy_socks_address_type",
}


async def pass_proxy(
    loop: asyncio.AbstractEventLoop,
    proxy: Proxy,
    sock: socket.socket,
    host: str,
    port: int,
    timeout_s: float,
) -> None:
    """Have `proxy`, to which `sock` is connected, lead it on to `host` and `port`.

    timeout_s: a bound beyond that of the caller, who cancels what takes too long. Raises
    AttemptError, and OSError where the connection breaks.
    """
    if proxy.scheme == "http":
        await _pass_http(loop, proxy, sock, host, port)
    else:
        await _pass_socks(loop, proxy, sock, host, port, timeout_s)


async def _pass_http(
    loop: asyncio.AbstractEventLoop, proxy: Proxy, sock: socket.socket, host: str, port: int
) -> None:
    request = connect_request(host, port, f"surgewire/{release()}", proxy.username, proxy.password)
    await loop.sock_sendall(sock, request)
    answer = ConnectAnswer()
    try:
        while True:
            data = await loop.sock_recv(sock, MAX_HEAD_BYTES)
            if not data:
                raise AttemptError("proxy_eof")
            if answer.feed(data):
                return
    except UpgradeError as error:
        raise AttemptError(error.kind) from error


class _Connected:
    """Stands for the proxy that the library would connect to first: gives our own socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def connect(self, **_where: Any) -> socket.socket:
        return self._sock


async def _pass_socks(
    loop: asyncio.AbstractEventLoop,
    proxy: Proxy,
    sock: socket.socket,
    host: str,
    port: int,
    timeout_s: float,
) -> None:
    through = SocksProxy(
        ProxyType.SOCKS5,
        proxy.host,
        proxy.port,
        username=proxy.username or None,
        password=proxy.password or None,
        rdns=True,
        # So that the socket is ours: its source address, its options, and the instant of TCP.
        forward=_Connected(sock),  # type: ignore[arg-type]
        loop=loop,
    )
    try:
        await through.connect(host, port, timeout=timeout_s)
    except ProxyError as error:
        raise AttemptError(_socks_kind(error)) from error
    except (AssertionError, ValueError, IndexError) as error:
        # What the library does not expect of a proxy.
        raise AttemptError("proxy_invalid") from error


def _socks_kind(error: ProxyError) -> str:
    if error.error_code is not None:
        return _REPLIES.get(error.error_code, "proxy_invalid")
    text = str(error)
    if "authentication" in text:
        return "proxy_auth"
    return "proxy_eof" if "closed" in text else "proxy_invalid"
