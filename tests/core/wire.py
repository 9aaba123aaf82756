"""A connection in a test's hand: bytes in, bytes out, no event loop."""

import socket
from typing import Any

from surgewire._core.connection import Connection
from surgewire._core.deflate import Terms
from surgewire._core.stream import ReceiveBuffer
from surgewire.dialects.upgrade import UpgradeError

BUFFER = ReceiveBuffer(65536)


class Passed:
    """A handshake that any four bytes complete, so that tests begin with frames.

    deflate: what it is to have agreed on.
    """

    def __init__(self, deflate: Terms | None = None) -> None:
        self.deflate = deflate

    def start(self) -> bytes:
        return b"ask?"

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        if data.startswith(b"bad!"):
            raise UpgradeError("http_503", b"last words")
        if len(data) < 4:
            return b"", False, b""
        return b"", True, data[4:]


class Owner:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def secured(self, connection: Connection) -> None:
        self.told.append("secured")

    def opened(self, connection: Connection) -> None:
        self.told.append("opened")

    def failed(self, connection: Connection, kind: str) -> None:
        self.told.append(("failed", kind))

    def closed(self, connection: Connection, kind: str | None) -> None:
        self.told.append(("closed", kind))

    def gone(self, connection: Connection) -> None:
        self.told.append("gone")


class Transport:
    """A transport over one end of a socket pair that keeps what it is asked to write."""

    def __init__(self, *, plain: bool = True, kind: socket.SocketKind = socket.SOCK_STREAM) -> None:
        self.ours, self.peer = socket.socketpair(socket.AF_UNIX, kind)
        self.ours.setblocking(False)
        self.peer.setblocking(False)
        self.written = bytearray()
        self.waiting = 0
        self.calls: list[str] = []

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self.ours

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes) -> None:
        self.written += data

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def sent(self) -> bytes:
        """What went straight to the socket since the last call."""
        try:
            return self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""

    def shut(self) -> None:
        self.ours.close()
        self.peer.close()


def feed(connection: Connection, data: bytes) -> None:
    """Let the loop have read `data`."""
    view = connection.get_buffer(-1)
    view[: len(data)] = data
    connection.buffer_updated(len(data))
