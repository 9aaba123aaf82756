"""The proxy through which connections go."""

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import SplitResult, unquote, urlsplit

from surgewire.plan.host import HostError, parse_host, shown
from surgewire.plan.units import UnitError, shorten

_EXAMPLE = "http://user:password@proxy.example:3128 or socks5://127.0.0.1:1080"
# What stands where a port should, as a password does where the host was forgotten.
_NO_PORT = re.compile(r":(?![0-9:\]]*(/|$)).*", re.S)
_DEFAULT_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}
# RFC 1929: a length in one byte.
_MAX_SOCKS_CREDENTIAL = 255


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: HTTP CONNECT (RFC 9110, section 9.3.6) or SOCKS5 (RFC 1928).

    scheme: ``http``, ``socks5`` (we look the target's name up) or ``socks5h`` (the proxy does).
    """

    scheme: str
    host: str
    port: int
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def looks_up(self) -> bool:
        """Whether the proxy is given the target's name, and not its address."""
        return self.scheme != "socks5"

    @property
    def public_url(self) -> str:
        """The URL without user and password."""
        hidden = "***@" if self.username or self.password else ""
        return f"{self.scheme}://{hidden}{shown(self.host)}:{self.port}"


def parse_proxy(url: str) -> Proxy:
    """Read ``http://user:password@host:port``, ``socks5://…`` or ``socks5h://…``.

    Escapes in user and password are undone. Raises UnitError, whose message does not have them.
    """
    parts = _split(url.strip())
    netloc = parts.netloc.rpartition("@")[2]
    try:
        host = parse_host(_host_of(netloc))
    except HostError as error:
        _refuse(url, f"has {error}")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    _check_credentials(url, parts.scheme, username, password)
    return Proxy(parts.scheme, host, _port(url, parts), username, password)


def _split(url: str) -> SplitResult:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator:
        _refuse(url, "has no scheme")
    if scheme == "https":
        _refuse(url, "is a proxy that is itself behind TLS, which is not supported")
    if scheme not in _DEFAULT_PORTS:
        _refuse(url, "is no proxy that is known")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
    except ValueError:
        _refuse(url, "has a bad host")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        _refuse(url, "has something behind the port; escape what is special in a password")
    if not parts.hostname:
        _refuse(url, "has no host")
    return parts


def _host_of(netloc: str) -> str:
    return netloc[: netloc.index("]") + 1] if "]" in netloc else netloc.partition(":")[0]


def _port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse(url, "has a bad port; a port is a number from 1 to 65535")
    return _DEFAULT_PORTS[parts.scheme] if port is None else port


def _check_credentials(url: str, scheme: str, username: str, password: str) -> None:
    if not all(part.isprintable() for part in (username, password)):
        _refuse(url, "has a control character in user or password")
    if scheme == "http":
        if ":" in username:
            # RFC 7617, section 2.
            _refuse(url, "has a colon in the user's name, which HTTP does not allow")
    elif username or password:
        sound = all(1 <= len(part) <= _MAX_SOCKS_CREDENTIAL for part in (username, password))
        if not sound or not (username + password).isascii():
            _refuse(url, "needs user and password of 1 to 255 ASCII characters each")


def _refuse(url: str, why: str) -> NoReturn:
    raise UnitError(f"{shorten(_without_secrets(url))} {why}; write for example {_EXAMPLE}")


def _without_secrets(url: str) -> str:
    """Return `url` without user and password, also where it is not sound."""
    scheme, separator, rest = url.rpartition("://")
    bare = _NO_PORT.sub(":***", rest.rpartition("@")[2])
    return f"{scheme if '@' not in scheme else ''}{separator}{bare}"
