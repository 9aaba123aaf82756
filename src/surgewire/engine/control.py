"""Control messages between supervisor and worker: msgpack maps, each after its length.

The length is a uint32, little-endian. A message is a map whose `t` says what it is.
"""

import contextlib
import socket
import struct
from typing import Any

import msgpack

Message = dict[str, Any]

MESSAGE_LIMIT_BYTES = 64 * 1024

_LENGTH = struct.Struct("<I")
_READ_BYTES = 64 * 1024


class ControlError(Exception):
    """What came over a control socket is no control message."""


def encode(message: Message) -> bytes:
    """Return `message` as it goes over the wire."""
    body: bytes = msgpack.packb(message)
    if len(body) > MESSAGE_LIMIT_BYTES:
        raise ControlError(f"a control message of {len(body)} bytes is over the limit")
    return _LENGTH.pack(len(body)) + body


class ControlDecoder:
    """Bytes in, in any pieces; whole messages out."""

    def __init__(self) -> None:
        """Start with nothing read."""
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """Return the messages that `data` completes; raise ControlError on anything else."""
        self._pending += data
        messages = []
        while len(self._pending) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._pending)
            if length > MESSAGE_LIMIT_BYTES:
                raise ControlError(f"a control message of {length} bytes is over the limit")
            end = _LENGTH.size + length
            if len(self._pending) < end:
                break
            messages.append(_decode(bytes(self._pending[_LENGTH.size : end])))
            del self._pending[:end]
        return messages


def _decode(body: bytes) -> Message:
    try:
        message = msgpack.unpackb(body)
    except (ValueError, msgpack.UnpackException) as error:
        raise ControlError(f"a control message is not msgpack: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("t"), str):
        raise ControlError("a control message is a map with its kind under `t`")
    return message


class ControlChannel:
    """One end of a control socket, never blocking; selectors and event loops can watch it."""

    def __init__(self, sock: socket.socket) -> None:
        """Take over `sock`, a connected stream socket."""
        sock.setblocking(False)
        self._socket = sock
        self._decoder = ControlDecoder()
        self.ended = False
        """Whether the other end is gone."""

    def fileno(self) -> int:
        """Return the descriptor, to be watched for reading; -1 once closed."""
        return self._socket.fileno()

    def send(self, message: Message) -> bool:
        """Send `message`; return False when the other end is gone or has long stopped reading.

        The few messages of a run fit into the kernel's buffer many times over.
        """
        try:
            self._socket.sendall(encode(message))
        except OSError:
            return False
        return True

    def receive(self) -> list[Message]:
        """Return the messages that have come; sets `ended` once no more can come."""
        messages: list[Message] = []
        while not self.ended:
            try:
                data = self._socket.recv(_READ_BYTES)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                data = b""
            if not data:
                self.ended = True
            else:
                messages += self._decoder.feed(data)
        return messages

    def close(self) -> None:
        """Close this end; doing so twice is no error."""
        with contextlib.suppress(OSError):
            self._socket.close()
