"""Ways that are dialled in a test's loop, with the sockets of both ends in its hands."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from surgewire._core.clock import now_ns
from surgewire._core.connection import Connection
from surgewire._core.poller import Poller
from surgewire._core.stream import ReceiveBuffer
from surgewire.engine.taxonomy import AttemptError
from surgewire.engine.way.attempt import Attempt
from surgewire.engine.way.deadlines import Deadlines
from surgewire.engine.way.dialler import Dialler
from surgewire.plan.models import ConnectPlan

WITHIN_S = 10.0
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="options of Linux")


class Greeting:
    """A handshake that any answer completes."""

    def start(self) -> bytes:
        return b"hello"

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        return b"", True, b""


class Owner:
    """Takes no notice."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()

    def opened(self, connection: Connection) -> None:
        self.is_open.set()

    def failed(self, connection: Connection, kind: str) -> None: ...

    def closed(self, connection: Connection, kind: str | None) -> None: ...

    def gone(self, connection: Connection) -> None: ...


class Bench:
    """A listening socket and what dials it."""

    def __init__(self, family: socket.AddressFamily = socket.AF_INET, **values: Any) -> None:
        self.loop = asyncio.get_running_loop()
        host = "127.0.0.1" if family == socket.AF_INET else "::1"
        self.listener = socket.create_server((host, 0), family=family)
        self.listener.setblocking(False)
        port = self.listener.getsockname()[1]
        shown = host if ":" not in host else f"[{host}]"
        given = {"url": f"ws://{shown}:{port}/", "connections": 3, "connect_rate": "1000/s"}
        given |= {name: _filled(value, port) for name, value in values.items()}
        self.plan = ConnectPlan(**given)
        self.poller = Poller(self.loop)
        self.made: list[Connection] = []

    async def dial(self, user: int = 0, sources: tuple[str, ...] = ()) -> Attempt:
        """Dial for one user, whose connection is kept open."""
        dialler = Dialler(self.loop, self.plan, sources, None, Deadlines(self.plan))
        owner = Owner()
        connection = Connection(ReceiveBuffer(4096), owner, Greeting(), poller=self.poller)
        self.made.append(connection)
        attempt = Attempt(user, now_ns(), started_ns=now_ns())
        await dialler.dial(connection, attempt)
        return attempt

    async def accept(self) -> tuple[socket.socket, Any]:
        accepted, peer = await self.loop.sock_accept(self.listener)
        accepted.setblocking(False)
        assert await self.loop.sock_recv(accepted, 100) == b"hello"
        return accepted, peer

    def close(self) -> None:
        for connection in self.made:
            connection.abort()
        self.poller.close()
        self.listener.close()


def _filled(value: Any, port: int) -> Any:
    if isinstance(value, dict):
        return {name: _filled(inner, port) for name, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, port) for inner in value]
    return value.replace("PORT", str(port)) if isinstance(value, str) else value


def on_a_bench(test: Callable[[Bench], Awaitable[None]], **values: Any) -> None:
    async def run() -> None:
        bench = Bench(**values)
        try:
            await asyncio.wait_for(test(bench), WITHIN_S)
        finally:
            bench.close()
            await asyncio.sleep(0)

    uvloop.run(run())


def socket_of(connection: Connection) -> socket.socket:
    """Return the socket of a connection; closing it leaves the connection's own open."""
    return socket.socket(fileno=socket.dup(connection.fileno()))


def options_of(connection: Connection, *names: tuple[int, int]) -> list[int]:
    with socket_of(connection) as sock:
        return [sock.getsockopt(level, name) for level, name in names]


NODELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
ALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE)


@pytest.mark.parametrize(
    ("values", "sources"),
    [({}, ()), ({}, ("127.0.0.1",)), ({"sockets": {"keepalive": "30s"}}, ())],
    ids=["the loop's socket", "a source", "options"],
)
def test_small_messages_never_wait(values: dict[str, Any], sources: tuple[str, ...]) -> None:
    async def test(on: Bench) -> None:
        await on.dial(sources=sources)
        nodelay, alive = options_of(on.made[0], NODELAY, ALIVE)
        assert nodelay
        assert bool(alive) == bool(values)
        (await on.accept())[0].close()

    on_a_bench(test, **values)


@linux
@pytest.mark.parametrize("at_once", [True, False])
def test_acknowledging_at_once_is_kept_up(at_once: bool) -> None:
    """The kernel leaves the mode by itself: after a read it is what was asked for again."""
    quickack = (socket.IPPROTO_TCP, socket.TCP_QUICKACK)

    async def test(on: Bench) -> None:
        await on.dial()
        accepted, _ = await on.accept()
        assert options_of(on.made[0], quickack) == [at_once]
        await on.loop.sock_sendall(accepted, b"come in")
        while not on.made[0].is_open:
            await asyncio.sleep(0.001)
        for _ in range(3):
            with socket_of(on.made[0]) as sock:
                sock.setsockopt(*quickack, not at_once)
            assert options_of(on.made[0], quickack) == [not at_once]
            # An unsolicited pong, which is read and not answered.
            await on.loop.sock_sendall(accepted, b"\x8a\x00")
            while options_of(on.made[0], quickack) != [at_once]:
                await asyncio.sleep(0.001)
        accepted.close()

    on_a_bench(test, sockets={"quickack": at_once})


@linux
def test_users_of_each_source_take_all_addresses_in_turn() -> None:
    sources = ("127.0.0.2", "127.0.0.3")
    route = {"resolve": ["chat.example:PORT:127.0.0.1,127.0.0.9"]}

    async def test(on: Bench) -> None:
        # Nothing listens on the second address, so that the first is the way out.
        attempts = [await on.dial(user, sources) for user in range(4)]
        facts = [[*attempt.facts, *attempt.trying] for attempt in attempts]
        assert facts == [
            ["address_127.0.0.1", "source_127.0.0.2"],
            ["address_127.0.0.1", "source_127.0.0.3"],
            ["address_failed_127.0.0.9", "address_127.0.0.1", "source_127.0.0.2"],
            ["address_failed_127.0.0.9", "address_127.0.0.1", "source_127.0.0.3"],
        ]
        for user in range(4):
            accepted, peer = await on.accept()
            assert peer[0] == sources[user % 2]
            accepted.close()

    on_a_bench(test, url="ws://chat.example:PORT/", route=route)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_the_family_that_was_asked_for_is_used() -> None:
    route = {"resolve": ["chat.example:PORT:127.0.0.1,::1"], "family": "6"}

    async def test(on: Bench) -> None:
        for user in range(2):
            attempt = await on.dial(user)
            assert (attempt.facts, attempt.trying) == ([], ("address_::1",))
            assert attempt.dialled_ns == attempt.started_ns
            (await on.accept())[0].close()

    on_a_bench(test, family=socket.AF_INET6, url="ws://chat.example:PORT/", route=route)


def test_a_single_address_is_not_worth_a_fact() -> None:
    async def test(on: Bench) -> None:
        assert (await on.dial()).trying == ()
        (await on.accept())[0].close()

    on_a_bench(test)


@pytest.mark.parametrize(
    ("proxy", "kind"),
    [
        ("http://127.0.0.9:PORT", "proxy_refused"),
        ("socks5h://127.0.0.9:PORT", "proxy_refused"),
        ("http://no.such.host.invalid:PORT", "proxy_dns"),
    ],
)
def test_a_proxy_that_is_not_there(proxy: str, kind: str) -> None:
    async def test(on: Bench) -> None:
        with pytest.raises(AttemptError) as raised:
            await on.dial()
        assert raised.value.kind == kind

    on_a_bench(test, route={"proxy": proxy})


SOCKS_OK = b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"
ASKS_PASSWORD = "socks5h://me:secret@127.0.0.1:PORT"


@pytest.mark.parametrize(
    ("proxy", "answers", "kind"),
    [
        ("http://127.0.0.1:PORT", [b"HTTP/1.1 407 No\r\n\r\n"], "proxy_auth"),
        ("http://127.0.0.1:PORT", [b"HTTP/1.1 502 No\r\n\r\n"], "proxy_http_502"),
        ("http://127.0.0.1:PORT", [b"SSH-2.0-OpenSSH_9.2p1\r\n"], "proxy_invalid"),
        ("http://127.0.0.1:PORT", [b""], "proxy_eof"),
        ("socks5h://127.0.0.1:PORT", [b""], "proxy_eof"),
        ("socks5h://127.0.0.1:PORT", [b"HT"], "proxy_invalid"),
        ("socks5h://127.0.0.1:PORT", [b"\x05\xff"], "proxy_auth"),
        ("socks5h://127.0.0.1:PORT", [b"\x05\x02"], "proxy_auth"),
        (ASKS_PASSWORD, [b"\x05\x02", b"\x01\x01"], "proxy_auth"),
        ("socks5h://127.0.0.1:PORT", [b"\x05\x00", b"\x05\x01\x00\x01"], "proxy_socks_failure"),
        (
            "socks5h://127.0.0.1:PORT",
            [b"\x05\x00", b"\x05\x05\x00\x01"],
            "proxy_socks_connection_refused",
        ),
        ("socks5h://127.0.0.1:PORT", [b"\x05\x00", b"\x05\x99\x00\x01"], "proxy_invalid"),
        ("socks5h://127.0.0.1:PORT", [b"\x05\x00", b"\x05\x00\x00\x07"], "proxy_invalid"),
        ("socks5h://127.0.0.1:PORT", [b"\x05\x00", b"\x05\x00"], "proxy_eof"),
    ],
)
def test_a_proxy_that_leads_nowhere(proxy: str, answers: list[bytes], kind: str) -> None:
    async def test(on: Bench) -> None:
        dialling = asyncio.ensure_future(on.dial())
        accepted, _ = await on.loop.sock_accept(on.listener)
        accepted.setblocking(False)
        for answer in answers:
            assert await on.loop.sock_recv(accepted, 1000)
            await on.loop.sock_sendall(accepted, answer)
        accepted.shutdown(socket.SHUT_WR)
        with pytest.raises(AttemptError) as raised:
            await dialling
        assert raised.value.kind == kind
        # Our end is closed, too.
        with contextlib.suppress(ConnectionResetError):
            while await on.loop.sock_recv(accepted, 1000):
                pass
        accepted.close()

    on_a_bench(test, url="ws://chat.example/", route={"proxy": proxy})


@pytest.mark.parametrize(
    ("proxy", "talk"),
    [
        (
            "http://127.0.0.1:PORT",
            [(b"CONNECT chat.example:80 HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"), (b"", b"\r\n")],
        ),
        (
            "socks5h://127.0.0.1:PORT",
            [
                (b"\x05\x01\x00", b"\x05\x00"),
                (b"\x05\x01\x00\x03\x0cchat.example\x00\x50", SOCKS_OK),
            ],
        ),
        (
            # The name is looked up here: it is given.
            "socks5://127.0.0.1:PORT",
            [
                (b"\x05\x01\x00", b"\x05\x00"),
                (b"\x05\x01\x00\x01\xc0\x00\x02\x07\x00\x50", SOCKS_OK),
            ],
        ),
        (
            ASKS_PASSWORD,
            [
                (b"\x05\x02\x00\x02", b"\x05\x02"),
                (b"\x01\x02me\x06secret", b"\x01\x00"),
                (b"\x05\x01\x00\x03\x0cchat.example\x00\x50", SOCKS_OK),
            ],
        ),
    ],
    ids=["http", "socks5h", "socks5", "password"],
)
def test_what_a_proxy_is_asked_for(proxy: str, talk: list[tuple[bytes, bytes]]) -> None:
    """Byte by byte as in RFC 9110, 9.3.6, and RFC 1928 and 1929."""

    async def test(on: Bench) -> None:
        dialling = asyncio.ensure_future(on.dial())
        accepted, _ = await on.loop.sock_accept(on.listener)
        accepted.setblocking(False)
        for expected, answer in talk:
            if expected:
                asked = await on.loop.sock_recv(accepted, 1000)
                assert asked == expected or asked.startswith(b"CONNECT")
                assert asked.startswith(expected)
            await on.loop.sock_sendall(accepted, answer)
        attempt = await dialling
        assert attempt.started_ns <= attempt.dialled_ns < attempt.proxied_ns < on.made[0].tcp_ns
        assert await on.loop.sock_recv(accepted, 1000) == b"hello"
        accepted.close()

    route = {"proxy": proxy}
    if proxy.startswith("socks5:"):
        route["resolve"] = ["chat.example:80:192.0.2.7"]  # type: ignore[assignment]
    on_a_bench(test, url="ws://chat.example/", route=route)
