"""HTTP CONNECT: how a client asks a proxy for a tunnel (RFC 9110, section 9.3.6)."""

import re
from base64 import b64encode

from surgewire.dialects.upgrade import END_OF_HEAD, MAX_HEAD_BYTES, UpgradeError

_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])[ \r]")
_STATUS_LINE_START_BYTES = 13
_AUTHENTICATE = b"407"


def connect_request(
    host: str, port: int, user_agent: str, username: str = "", password: str = ""
) -> bytes:
    """Return the request for a tunnel to `host` and `port`, with user and password if given."""
    authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    lines = [
        f"CONNECT {authority} HTTP/1.1",
        f"Host: {authority}",
        f"User-Agent: {user_agent}",
    ]
    if username or password:
        # RFC 7617; the character set is the one that it recommends.
        credentials = f"{username}:{password}".encode()
        lines.append(f"Proxy-Authorization: Basic {b64encode(credentials).decode('ascii')}")
    return "\r\n".join([*lines, "", ""]).encode("ascii")


class ConnectAnswer:
    """A proxy's answer, taken in as it comes."""

    def __init__(self) -> None:
        """Wait for the first byte."""
        self._head = b""

    def feed(self, data: bytes) -> bool:
        """Take a part of the answer; return whether the tunnel is there.

        Raises UpgradeError with `kind` ``proxy_auth``, ``proxy_http_<status>`` or
        ``proxy_invalid``; also where bytes follow the answer, for the target does not speak first.
        """
        self._head += data
        if len(self._head) < _STATUS_LINE_START_BYTES:
            return False
        status = _STATUS_LINE.match(self._head)
        if status is None:
            raise UpgradeError("proxy_invalid")
        if status[1] == _AUTHENTICATE:
            raise UpgradeError("proxy_auth")
        if not status[1].startswith(b"2"):
            raise UpgradeError(f"proxy_http_{status[1].decode('ascii')}")
        _, end, rest = self._head.partition(END_OF_HEAD)
        if rest or (not end and len(self._head) > MAX_HEAD_BYTES):
            raise UpgradeError("proxy_invalid")
        return bool(end)
