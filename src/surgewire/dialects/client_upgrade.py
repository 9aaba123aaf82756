"""The client's side of the opening handshake.

The request is composed by the `websockets` library, once; every connection then only puts its own
key into it. The response is checked here: the library's way costs 27 us of CPU for a connection,
as much as all system calls of connecting together, and this one 5 us. The library remains the
measure: what it refuses is refused here, which tests hold this module to.
"""

import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import NoReturn
from urllib.parse import quote_from_bytes

from websockets.client import ClientProtocol
from websockets.datastructures import Headers
from websockets.uri import WebSocketURI

from surgewire._core.deflate import Terms
from surgewire.dialects.deflate import DeflateOffer
from surgewire.dialects.upgrade import END_OF_HEAD, MAX_HEAD_BYTES, UpgradeError

_KEY_BYTES = 16
# RFC 6455 section 1.3: what the server appends to the key before it hashes.
_ACCEPT_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SLOT = re.compile(rb"\{\{([^{}]*)\}\}")
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-5][0-9][0-9])[ \r]")
_STATUS_LINE_START_BYTES = 13
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_EXTENSIONS = b"sec-websocket-extensions"
_SUBPROTOCOL = b"sec-websocket-protocol"
_UNRESERVED = re.compile(rb"[A-Za-z0-9._~-]*")
_REDIRECTS = frozenset((b"301", b"302", b"303", b"307", b"308"))


class UpgradeRequest:
    """The request of all connections to one target, but for what is each connection's own.

    That is its key and, where slots such as {{user}} stand in the address or in a header, their
    values.
    """

    __slots__ = ("_after", "_before", "_pieces", "deflate", "follows", "offered")

    def __init__(
        self,
        uri: WebSocketURI,
        user_agent: str,
        *,
        headers: Sequence[tuple[str, str]] = (),
        origin: str | None = None,
        subprotocols: Sequence[str | None] = (),
        deflate: DeflateOffer | None = None,
        follows: bool = False,
    ) -> None:
        """Compose the request for `uri`.

        headers: pairs of name and value; Host takes the place of the one that `uri` gives.
        subprotocols: what is offered, the best first; None for one that is withheld and keeps its
        number. deflate: which compression is offered.
        follows: whether an answer that redirects is read up to its Location.
        """
        self.deflate = deflate
        protocol = ClientProtocol(uri, extensions=deflate.offers if deflate else None)
        request = protocol.connect()
        fields = request.headers
        if origin is not None:
            fields["Origin"] = origin
        names = [name for name in subprotocols if name is not None]
        if names:
            fields["Sec-WebSocket-Protocol"] = ", ".join(names)
        if not any(name.lower() == "user-agent" for name, _ in headers):
            fields["User-Agent"] = user_agent
        for name, value in headers:
            if name.lower() == "host":
                # It stays the first (RFC 9110 section 7.2).
                others = [field for field in fields.raw_items() if field[0] != "Host"]
                fields = request.headers = Headers([(name, value), *others])
            else:
                fields[name] = value
        key = fields["Sec-WebSocket-Key"].encode("ascii")
        before, _, after = request.serialize().partition(key)
        self._before, self._after = before, after
        pieces = _split(before, in_address=True), _split(after)
        self._pieces = pieces if max(map(len, pieces)) > 1 else None
        self.offered = tuple((name or "").encode() for name in subprotocols)
        self.follows = follows

    def filled(self, value: Callable[[str], bytes]) -> "UpgradeRequest":
        """Return the request of one user; itself, where it holds no slot.

        value: gives what stands for the slot of a name, in UTF-8 without control characters; in
        the address it is escaped.
        """
        if self._pieces is None:
            return self
        request = UpgradeRequest.__new__(UpgradeRequest)
        request._before, request._after = (_fill(pieces, value) for pieces in self._pieces)
        request._pieces = None
        request.offered = self.offered
        if any(b"{{" in name for name in self.offered):
            request.offered = tuple(_fill(_split(name), value) for name in self.offered)
        request.follows = self.follows
        request.deflate = self.deflate
        return request

    @property
    def resource(self) -> str:
        """Path and query that are asked for, slots filled."""
        return self._before.split(b" ", 2)[1].decode()

    def with_key(self, key: bytes) -> bytes:
        """Return the request with `key`, as it goes over the wire."""
        return self._before + key + self._after


def _split(text: bytes, *, in_address: bool = False) -> list[bytes | str]:
    """Take a text apart into constants and, at odd places, the names of slots.

    in_address: the text begins with the request line, in which names stand behind a brace.
    """
    pieces: list[bytes | str] = []
    for place, piece in enumerate(_SLOT.split(text)):
        if place % 2:
            pieces.append(("{" if in_address else "") + piece.strip().decode())
        else:
            in_address = in_address and b"\n" not in piece
            pieces.append(piece)
    return pieces


def _fill(pieces: list[bytes | str], value: Callable[[str], bytes]) -> bytes:
    filled = []
    for piece in pieces:
        if isinstance(piece, bytes):
            filled.append(piece)
        elif piece[0] == "{":
            text = value(piece[1:])
            sound = _UNRESERVED.fullmatch(text)
            filled.append(text if sound else quote_from_bytes(text, safe="").encode("ascii"))
        else:
            filled.append(value(piece))
    return b"".join(filled)


class ClientUpgrade:
    """One handshake.

    tell: is given the names of what was agreed, `subprotocol_offer_<n>` for the one offered as
    the n-th and `subprotocol_none` where none of those offered was chosen. Servers may have put a
    token where a name belongs, so that the name itself is not told. redirect: is given what was
    asked for (path and query) and the Location of an answer that redirects, where the request
    follows such.
    """

    __slots__ = ("_head", "_key", "_redirect", "_request", "_tell", "deflate")

    def __init__(
        self,
        request: UpgradeRequest,
        tell: Callable[[str], None] | None = None,
        redirect: Callable[[str, str], None] | None = None,
    ) -> None:
        """Prepare to send `request`, which has no slots, with a key of its own."""
        self._request = request
        self._key = b64encode(secrets.token_bytes(_KEY_BYTES))
        self._head = b""
        self._tell = tell
        self._redirect = redirect
        self.deflate: Terms | None = None
        """What was agreed on for compression, once the handshake is complete."""

    def start(self) -> bytes:
        """Return the request."""
        return self._request.with_key(self._key)

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """Take a part of the response. Raises UpgradeError when it is no 101 or not a valid one."""
        self._head += data
        redirected = self._check_status()
        head, end, rest = self._head.partition(END_OF_HEAD)
        if not end:
            if len(self._head) > MAX_HEAD_BYTES:
                raise UpgradeError("upgrade_invalid")
            return b"", False, b""
        if redirected:
            self._turn_away(redirected, _headers(head))
        self._check_headers(_headers(head))
        return b"", True, rest

    def _check_status(self) -> str:
        """Give up as soon as the status is known: a refusal's body says nothing that we report.

        Return the kind of an answer that redirects and is to be followed; else nothing.
        """
        if len(self._head) < _STATUS_LINE_START_BYTES:
            return ""
        status = _STATUS_LINE.match(self._head)
        if status is None:
            raise UpgradeError("upgrade_invalid")
        if status[2] != b"101":
            kind = f"http_{status[2].decode('ascii')}"
            if self._request.follows and status[2] in _REDIRECTS:
                return kind
            raise UpgradeError(kind)
        if status[1] != b"1":
            # HTTP/1.0 knows no upgrade.
            raise UpgradeError("upgrade_invalid")
        return ""

    def _turn_away(self, kind: str, headers: dict[bytes, bytes]) -> NoReturn:
        location = headers.get(b"location", b"")
        if location and self._redirect is not None:
            self._redirect(self._request.resource, location.decode("utf-8", "replace"))
        raise UpgradeError(kind)

    def _check_headers(self, headers: dict[bytes, bytes]) -> None:
        accept = b64encode(sha1(self._key + _ACCEPT_SUFFIX, usedforsecurity=False).digest())
        if (
            headers.get(b"sec-websocket-accept") != accept
            or _tokens(headers, b"upgrade") != [b"websocket"]
            or b"upgrade" not in _tokens(headers, b"connection")
        ):
            raise UpgradeError("upgrade_invalid")
        # What was not offered may not be chosen (RFC 6455 section 4.1).
        if _EXTENSIONS in headers:
            self._agree(headers[_EXTENSIONS])
        self._check_subprotocol(headers.get(_SUBPROTOCOL))

    def _agree(self, answer: bytes) -> None:
        offer = self._request.deflate
        self.deflate = None if offer is None else offer.agree(answer)
        if self.deflate is None:
            raise UpgradeError("upgrade_invalid")

    def _check_subprotocol(self, chosen: bytes | None) -> None:
        offered = self._request.offered
        if chosen is None:
            if offered and self._tell is not None:
                self._tell("subprotocol_none")
            return
        if not chosen or chosen not in offered:
            raise UpgradeError("upgrade_invalid")
        if self._tell is not None:
            self._tell(f"subprotocol_offer_{offered.index(chosen) + 1}")


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
