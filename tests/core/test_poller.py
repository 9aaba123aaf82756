import asyncio
import socket
from collections.abc import Iterator

import pytest
import uvloop
from websockets.frames import Opcode

from surgewire._core import frame, poller
from surgewire._core.connection import Connection
from surgewire._core.poller import Poller
from tests.core.test_connection import close_frame, parse
from tests.core.test_connection import frame as server_frame
from tests.core.wire import BUFFER, Owner, Passed

pytestmark = pytest.mark.skipif(not poller.AVAILABLE, reason="this system has no epoll")

PING = frame.encode(frame.PING, b"hi")


class Server:
    """The other end of a connection that a loop has made and a poller reads."""

    def __init__(self, connection: Connection, owner: Owner, sock: socket.socket) -> None:
        self.connection = connection
        self.owner = owner
        self.sock = sock

    async def receives(self, length: int) -> bytes:
        """Wait for that many bytes."""
        data = b""
        while len(data) < length:
            piece = await asyncio.get_running_loop().sock_recv(self.sock, length - len(data))
            assert piece
            data += piece
        return data

    async def told(self, last: object) -> list[object]:
        """Wait until `last` is what the owner was told last."""
        async with asyncio.timeout(5):
            while not self.owner.told or self.owner.told[-1] != last:
                await asyncio.sleep(0)
        return self.owner.told


async def connect(watcher: Poller) -> Server:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        owner = Owner()
        connection = Connection(BUFFER, owner, Passed(), poller=watcher)
        await loop.create_connection(lambda: connection, *listener.getsockname())
        sock, _ = await loop.sock_accept(listener)
    sock.setblocking(False)
    server = Server(connection, owner, sock)
    assert await server.receives(4) == b"ask?"
    await loop.sock_sendall(sock, b"okay")
    await server.told("opened")
    return server


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as made:
        yield made


def test_frames_are_read_and_answered(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        for number in range(20):
            await asyncio.get_running_loop().sock_sendall(
                server.sock, server_frame(Opcode.PING, b"%03d" % number)
            )
            assert parse(await server.receives(9), mask=True) == [(Opcode.PONG, b"%03d" % number)]
        server.sock.close()
        await server.told("gone")
        watcher.close()

    runner.run(scene())


def test_end_of_stream_goes_back_to_the_loop(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        server.sock.close()
        assert await server.told("gone") == ["opened", ("closed", "eof"), "gone"]
        assert len(watcher) == 0
        watcher.close()

    runner.run(scene())


def test_reset_is_a_reset(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        server.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.sock.close()
        assert await server.told("gone") == ["opened", ("closed", "tcp_reset"), "gone"]
        watcher.close()

    runner.run(scene())


def test_close_frame_then_end_of_stream(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        await asyncio.get_running_loop().sock_sendall(server.sock, close_frame(1001))
        assert parse(await server.receives(8), mask=True) == [(Opcode.CLOSE, b"\x03\xe9")]
        server.sock.close()
        assert await server.told("gone") == ["opened", ("closed", "close_1001"), "gone"]
        watcher.close()

    runner.run(scene())


def test_abort_while_data_waits(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        await asyncio.get_running_loop().sock_sendall(server.sock, PING * 10)
        server.connection.abort("timeout_ping")
        assert await server.told("gone") == ["opened", ("closed", "timeout_ping"), "gone"]
        assert len(watcher) == 0
        server.sock.close()
        watcher.close()

    runner.run(scene())


def test_more_are_readable_than_one_turn_takes(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        servers = [await connect(watcher) for _ in range(150)]
        assert len(watcher) == 150
        for server in servers:
            server.sock.send(PING)
        for server in servers:
            assert len(await server.receives(8)) == 8
        for server in servers:
            server.sock.close()
        for server in servers:
            await server.told("gone")
        assert len(watcher) == 0
        watcher.close()

    runner.run(scene())


def test_closed_poller_watches_nothing(runner: asyncio.Runner) -> None:
    async def scene() -> None:
        watcher = Poller(asyncio.get_running_loop())
        server = await connect(watcher)
        watcher.close()
        watcher.close()
        assert len(watcher) == 0
        assert watcher.fd == -1
        server.connection.abort()
        await server.told("gone")
        server.sock.close()

    runner.run(scene())
