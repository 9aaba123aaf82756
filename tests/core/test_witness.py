import asyncio
import socket
import sys
import time
from collections.abc import Iterator

import numpy as np
import pytest

from surgewire._core import frame, witness
from surgewire._core.connection import Connection
from surgewire._core.histogram import HISTOGRAM_WORDS, Histogram
from surgewire._core.witness import Witness
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

pytestmark = pytest.mark.skipif(not witness.AVAILABLE, reason="this system has no kernel stamps")

SAMPLE_S = 1.0
# From asm-generic/socket.h and linux/net_tstamp.h.
SO_TIMESTAMPING = 37
TX_SOFTWARE = 1 << 1
SOFTWARE = 1 << 4
PING = frame.encode(frame.PING, b"are you there")


class TcpTransport(Transport):
    """A transport over TCP, whose packets the kernel stamps."""

    def __init__(self) -> None:
        super().__init__()
        self.shut()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.create_connection(listener.getsockname())
            self.ours, _ = listener.accept()
        self.ours.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ours.setblocking(False)


class Watched:
    """An open connection with a witness, over TCP."""

    def __init__(self) -> None:
        self.transport = TcpTransport()
        self.receive = np.zeros(HISTOGRAM_WORDS, np.int64)
        self.send = np.zeros(HISTOGRAM_WORDS, np.int64)
        self.connection = Connection(BUFFER, Owner(), Passed())
        self.connection.connection_made(self.transport)
        feed(self.connection, b"okay")
        self.connection.observe(Witness(self.transport.ours.fileno(), self.receive, self.send))

    def ping(self) -> None:
        """Let a ping arrive, as a loop would read it; the connection answers."""
        self.transport.peer.sendall(PING)
        wait_readable(self.transport.ours)
        view = self.connection.get_buffer(-1)
        self.connection.buffer_updated(self.transport.ours.recv_into(view))

    def look(self) -> None:
        """What the loop does when only the error queue has something."""
        view = self.connection.get_buffer(-1)
        with pytest.raises(BlockingIOError):
            self.transport.ours.recv_into(view)


def wait_readable(sock: socket.socket) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            return
        except BlockingIOError:
            assert time.monotonic() < deadline


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.transport.shut()


def test_stamps_bound_a_read_and_a_send(watched: Watched) -> None:
    before_ns = time.time_ns()
    watched.ping()
    watched.look()
    elapsed_ns = time.time_ns() - before_ns
    received, sent = Histogram(watched.receive), Histogram(watched.send)
    assert received.count == sent.count == 1
    assert received.clipped == sent.clipped == 0
    assert 0 < received.max < elapsed_ns
    assert 0 <= sent.max < elapsed_ns


def test_sample_does_not_grow_with_the_load(watched: Watched) -> None:
    started = time.monotonic()
    for _ in range(500):
        watched.ping()
    most = 2 + int((time.monotonic() - started) / SAMPLE_S)
    assert 1 <= Histogram(watched.receive).count <= most
    assert 1 <= Histogram(watched.send).count <= most


def test_sampling_goes_on(watched: Watched) -> None:
    deadline = time.monotonic() + 10
    while Histogram(watched.receive).count < 3 or Histogram(watched.send).count < 3:
        watched.ping()
        assert time.monotonic() < deadline


def test_error_queue_is_emptied_whatever_it_holds(watched: Watched) -> None:
    watched.ping()
    watched.look()
    # Stamps of every send, which nobody here awaits.
    watched.transport.ours.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, TX_SOFTWARE | SOFTWARE)
    watched.transport.ours.send(b"unexpected")
    watched.look()
    watched.look()
    with pytest.raises(BlockingIOError):
        watched.transport.ours.recv(1, socket.MSG_ERRQUEUE | socket.MSG_DONTWAIT)


def test_loop_sleeps_while_stamps_come(watched: Watched) -> None:
    async def turns() -> int:
        loop, count = asyncio.get_running_loop(), 0

        def readable() -> None:
            nonlocal count
            count += 1
            view = watched.connection.get_buffer(-1)
            try:
                length = watched.transport.ours.recv_into(view)
            except BlockingIOError:
                return
            watched.connection.buffer_updated(length)

        loop.add_reader(watched.transport.ours, readable)
        for _ in range(10):
            watched.transport.peer.sendall(PING)
            await asyncio.sleep(0.02)
        loop.remove_reader(watched.transport.ours)
        return count

    assert asyncio.run(turns()) <= 25


def test_other_memory_than_histograms_is_refused() -> None:
    with pytest.raises(ValueError, match="words"):
        Witness(0, np.zeros(5, np.int64), np.zeros(5, np.int64))


def test_socket_without_stamps_is_refused() -> None:
    words = np.zeros(HISTOGRAM_WORDS, np.int64)
    with pytest.raises(OSError, match="does not stamp"):
        Witness(sys.maxsize & 0x7FFFFFFF, words, words)
