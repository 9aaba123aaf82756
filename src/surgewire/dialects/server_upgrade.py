"""The server's side of the opening handshake, on the `websockets` library's core."""

from typing import NoReturn

from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import (
    PerMessageDeflate,
    ServerPerMessageDeflateFactory,
)
from websockets.http11 import Request
from websockets.server import ServerProtocol

from surgewire._core.deflate import Terms
from surgewire.dialects.deflate import terms_of
from surgewire.dialects.upgrade import END_OF_HEAD, MAX_HEAD_BYTES, UpgradeError


class ServerUpgrade:
    """Accepts every valid request.

    `resource` is the path and query of the request that was accepted. `deflate` is what was agreed
    on for compression, None where it was not.
    """

    __slots__ = ("_head", "_protocol", "deflate", "resource")

    def __init__(self, *, compresses: bool = False) -> None:
        """Wait for a request. compresses: agree to permessage-deflate where it is offered."""
        extensions = [ServerPerMessageDeflateFactory()] if compresses else None
        self._protocol = ServerProtocol(extensions=extensions)
        self._head = bytearray()
        self.resource = ""
        self.deflate: Terms | None = None

    def start(self) -> bytes:
        """Return nothing: the client speaks first."""
        return b""

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Take a part of the request. Raises UpgradeError, with a response, for an invalid one."""
        self._head += data
        end = self._head.find(END_OF_HEAD)
        if end < 0:
            if len(self._head) > MAX_HEAD_BYTES:
                self._refuse()
            return b"", False, b""
        end += len(END_OF_HEAD)
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
        self.resource = request.path
        for extension in self._protocol.extensions:
            assert isinstance(extension, PerMessageDeflate)
            self.deflate = terms_of(extension)
        return reply, True, bytes(self._head[end:])

    def _refuse(self) -> NoReturn:
        response = self._protocol.reject(400, "This is no WebSocket upgrade.\n")
        raise UpgradeError("upgrade_invalid", response.serialize())
