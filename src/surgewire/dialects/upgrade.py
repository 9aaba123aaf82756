"""The opening handshake (RFC 6455 section 4), in both roles, on the `websockets` library's core.

Both classes are what a native connection takes as its handshake: `start()` gives what to send
first, `feed(data)` takes what came and returns `(reply, done, rest)`: what to send, whether the
handshake is complete, and the bytes behind it.
"""

import re
from typing import NoReturn

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.uri import WebSocketURI

# Twice what the library itself takes as a whole head, so that its own limits speak first.
MAX_HEAD_BYTES = 262_144

_END_OF_HEAD = b"\r\n\r\n"
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]")
_STATUS_LINE_START_BYTES = 13


class UpgradeError(Exception):
    """The handshake failed.

    `kind`: name of the error taxonomy; `reply`: what to send before closing.
    """

    def __init__(self, kind: str, reply: bytes = b"") -> None:
        """Take the error's kind and the last words to the peer."""
        super().__init__(kind)
        self.kind = kind
        self.reply = reply


class ClientUpgrade:
    """The client's side."""

    __slots__ = ("_head", "_protocol")

    def __init__(self, uri: WebSocketURI, user_agent: str) -> None:
        """Prepare the request for `uri`."""
        self._protocol = ClientProtocol(uri)
        self._head = bytearray()
        request = self._protocol.connect()
        request.headers["User-Agent"] = user_agent
        self._protocol.send_request(request)

    def start(self) -> bytes:
        """Return the request."""
        return b"".join(self._protocol.data_to_send())

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Take a part of the response. Raises UpgradeError when it is no 101 or not a valid one."""
        self._head += data
        self._check_status()
        end = self._head.find(_END_OF_HEAD)
        if end < 0:
            if len(self._head) > MAX_HEAD_BYTES:
                raise UpgradeError("upgrade_invalid")
            return b"", False, b""
        end += len(_END_OF_HEAD)
        # The library would read frames from what follows, and frames are ours.
        self._protocol.receive_data(bytes(self._head[:end]))
        if self._protocol.handshake_exc is not None or not self._protocol.events_received():
            raise UpgradeError("upgrade_invalid")
        return b"", True, bytes(self._head[end:])

    def _check_status(self) -> None:
        """Give up as soon as the status is known: a refusal's body says nothing that we report."""
        if len(self._head) < _STATUS_LINE_START_BYTES:
            return
        status = _STATUS_LINE.match(self._head)
        if status is None:
            raise UpgradeError("upgrade_invalid")
        if status[1] != b"101":
            raise UpgradeError(f"http_{status[1].decode('ascii')}")


class ServerUpgrade:
    """The server's side: accepts every valid request."""

    __slots__ = ("_head", "_protocol")

    def __init__(self) -> None:
        """Wait for a request."""
        self._protocol = ServerProtocol()
        self._head = bytearray()

    def start(self) -> bytes:
        """Return nothing: the client speaks first."""
        return b""

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Take a part of the request. Raises UpgradeError, with a response, for an invalid one."""
        self._head += data
        end = self._head.find(_END_OF_HEAD)
        if end < 0:
            if len(self._head) > MAX_HEAD_BYTES:
                self._refuse()
            return b"", False, b""
        end += len(_END_OF_HEAD)
        self._protocol.receive_data(bytes(self._head[:end]))
        events = self._protocol.events_received()
        if self._protocol.handshake_exc is not None or not events:
            self._refuse()
        request = events[0]
        if not isinstance(request, Request):
            self._refuse()
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        reply = b"".join(self._protocol.data_to_send())
        if isinstance(self._protocol.handshake_exc, InvalidHandshake):
            raise UpgradeError("upgrade_invalid", reply)
        return reply, True, bytes(self._head[end:])

    def _refuse(self) -> NoReturn:
        response = self._protocol.reject(400, "This is no WebSocket upgrade.\n")
        raise UpgradeError("upgrade_invalid", response.serialize())
