"""The client's side of the opening handshake.

The request is composed by the `websockets` library, once; every connection then only puts its own
key into it. The response is checked here: the library's way costs 27 us of CPU for a connection,
as much as all system calls of connecting together, and this one 5 us. The library remains the
measure: what it refuses is refused here, which tests hold this module to.
"""

import re
import secrets
from base64 import b64encode
from hashlib import sha1

from websockets.client import ClientProtocol
from websockets.uri import WebSocketURI

from surgewire._core.deflate import Terms
from surgewire.dialects.deflate import DeflateOffer
from surgewire.dialects.upgrade import END_OF_HEAD, MAX_HEAD_BYTES, UpgradeError

_KEY_BYTES = 16
# RFC 6455 section 1.3: what the server appends to the key before it hashes.
_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SLOT = re.compile(rb"\{\{(room|user)\}\}")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])[ \r]")
_STATUS_LINE_START_BYTES = 13
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
# What was not offered may not be chosen (RFC 6455 section 4.1).
_EXTENSIONS = b"sec-websocket-extensions"
_SUBPROTOCOL = b"sec-websocket-protocol"


class UpgradeRequest:
    """The request of all connections to one target, but for what is each connection's own.

    That is its key and, where the address holds the slots {{room}} and {{user}}, their values.
    """

    __slots__ = ("_after", "_before", "_pieces", "deflate")

    def __init__(
        self, uri: WebSocketURI, user_agent: str, *, deflate: DeflateOffer | None = None
    ) -> None:
        """Compose the request for `uri`, which offers compression if there is an offer."""
        self.deflate = deflate
        protocol = ClientProtocol(uri, extensions=deflate.offers if deflate else None)
        request = protocol.connect()
        request.headers["User-Agent"] = user_agent
        key = request.headers["Sec-WebSocket-Key"].encode("ascii")
        self._before, _, self._after = request.serialize().partition(key)
        # Constants and, at odd places, the names of slots.
        self._pieces = _SLOT.split(self._before)

    def filled(self, room: int, user: int) -> "UpgradeRequest":
        """Return the request of one user; itself, where the address holds no slot."""
        if len(self._pieces) == 1:
            return self
        values = {b"room": b"%d" % room, b"user": b"%d" % user}
        request = UpgradeRequest.__new__(UpgradeRequest)
        request._before = b"".join(
            values[piece] if place % 2 else piece for place, piece in enumerate(self._pieces)
        )
        request._after = self._after
        request.deflate = self.deflate
        request._pieces = [request._before]
        return request

    def with_key(self, key: bytes) -> bytes:
        """Return the request with `key`, as it goes over the wire."""
        return self._before + key + self._after


class ClientUpgrade:
    """One handshake."""

    __slots__ = ("_head", "_key", "_request", "deflate")

    def __init__(self, request: UpgradeRequest) -> None:
        """Prepare to send `request` with a key of its own."""
        self._request = request
        self._key = b64encode(secrets.token_bytes(_KEY_BYTES))
        self._head = b""
        self.deflate: Terms | None = None
        """What was agreed on for compression, once the handshake is complete."""

    def start(self) -> bytes:
        """Return the request."""
        return self._request.with_key(self._key)

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Take a part of the response. Raises UpgradeError when it is no 101 or not a valid one."""
        self._head += data
        self._check_status()
        head, end, rest = self._head.partition(END_OF_HEAD)
        if not end:
            if len(self._head) > MAX_HEAD_BYTES:
                raise UpgradeError("upgrade_invalid")
            return b"", False, b""
        self._check_headers(_headers(head))
        return b"", True, rest

    def _check_status(self) -> None:
        """Give up as soon as the status is known: a refusal's body says nothing that we report."""
        if len(self._head) < _STATUS_LINE_START_BYTES:
            return
        status = _STATUS_LINE.match(self._head)
        if status is None:
            raise UpgradeError("upgrade_invalid")
        if status[2] != b"101":
            raise UpgradeError(f"http_{status[2].decode('ascii')}")
        if status[1] != b"1":
            # HTTP/1.0 knows no upgrade.
            raise UpgradeError("upgrade_invalid")

    def _check_headers(self, headers: dict[bytes, bytes]) -> None:
        accept = b64encode(sha1(self._key + _ACCEPT_SUFFIX, usedforsecurity=False).digest())
        if (
            headers.get(b"sec-websocket-accept") != accept
            or _tokens(headers, b"upgrade") != [b"websocket"]
            or b"upgrade" not in _tokens(headers, b"connection")
            or _SUBPROTOCOL in headers
        ):
            raise UpgradeError("upgrade_invalid")
        if _EXTENSIONS in headers:
            self._agree(headers[_EXTENSIONS])

    def _agree(self, answer: bytes) -> None:
        offer = self._request.deflate
        self.deflate = None if offer is None else offer.agree(answer)
        if self.deflate is None:
            raise UpgradeError("upgrade_invalid")


def _headers(head: bytes) -> dict[bytes, bytes]:
    """Return the fields of a head by name in lower case; the values of one name joined."""
    headers: dict[bytes, bytes] = {}
    lines = head.split(b"\r\n")
    if any(map(_CONTROL.search, lines)):
        raise UpgradeError("upgrade_invalid")
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or not _NAME.fullmatch(name):
            raise UpgradeError("upgrade_invalid")
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _tokens(headers: dict[bytes, bytes], name: bytes) -> list[bytes]:
    found = (token.strip(b" \t") for token in headers.get(name, b"").lower().split(b","))
    return [token for token in found if token]
