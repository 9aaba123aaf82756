"""The address of the server under test."""

import re
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit

from surgewire.plan.host import HostError, parse_host, shown
from surgewire.plan.units import shorten

_EXAMPLE = "ws://127.0.0.1:8765/ or wss://example.com/path"
_IPV6_HINT = "an IPv6 address is written ws://[::1]:8765/"
_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_WEB_SCHEMES = {"http": "ws", "https": "wss"}
_UNIX_EXAMPLE = "ws+unix:///run/chat.sock, or ws+unix:///run/chat.sock:/path?query"
_UNIX_SCHEMES = {"ws+unix": "ws", "wss+unix": "wss"}
# What a Unix socket's address holds (unix(7)), less the end of the text.
_MAX_UNIX_PATH_BYTES = 107
_UNIX_PATH_SAFE = "/-._~@+,=!"
_USERINFO = re.compile(r"(//|^(?!.*//)).*@")
_MAX_URL_LENGTH = 8000
_MAX_SHOWN = 100

# What may stand unescaped in path and query (RFC 3986, section 3.3 and 3.4), "%" included: it is
# taken as the start of an escape that the user wrote.
_RESOURCE_SAFE = "/?:@!$&'()*+,;=-._~%"
_SLOT = re.compile(r"(\{\{[^{}]*\}\})")


class TargetError(ValueError):
    """A URL that cannot be load-tested; the message names it and shows a right one."""


@dataclass(frozen=True, slots=True)
class Target:
    """A WebSocket server and the resource asked of it (RFC 6455, section 3).

    ``url`` is the whole address in normal form, ``host`` is a name in ASCII or an address without
    brackets, ``resource`` is path and query, never empty; slots such as ``{{room}}`` stand in it
    as they were written. ``userinfo`` is ``user:password``, decoded; it is in no other field.
    ``unix_path`` is the path of the Unix socket that is connected to, empty for TCP; the host is
    then ``localhost``. Made by ``parse_target``.
    """

    url: str
    secure: bool
    host: str
    port: int
    resource: str
    userinfo: str = field(default="", repr=False)
    unix_path: str = ""

    def __str__(self) -> str:
        return self.url

    @property
    def full_url(self) -> str:
        """The address with user name and password, which must not be shown."""
        if not self.userinfo:
            return self.url
        user, colon, password = self.userinfo.partition(":")
        secret = quote(user, safe="") + colon + quote(password, safe="")
        return self.url.replace("://", f"://{secret}@", 1)


def parse_target(url: str) -> Target:
    """Take a ``ws://`` or ``wss://`` URL apart, or a ``ws+unix://`` or ``wss+unix://`` one.

    A Unix socket's URL is its path and, behind a colon, the resource: ``ws+unix:///path:/chat``.

    Raises TargetError for other schemes, fragments, bad hosts and bad ports.
    """
    url = url.strip()
    if not url:
        _refuse(url, f"is no URL; write for example {_EXAMPLE}")
    if len(url) > _MAX_URL_LENGTH:
        _refuse(url, f"is longer than {_MAX_URL_LENGTH} characters")
    if any(character.isspace() or not character.isprintable() for character in url):
        _refuse(url, "contains a space or unprintable character; escape it, a space is %20")
    if url.partition("://")[0].lower() in _UNIX_SCHEMES:
        return _unix_target(url)
    parts = _split(url)
    scheme = parts.scheme
    host, port = _host(url, parts), _port(url, parts)
    resource = _resource(parts)
    shown_port = "" if port == _DEFAULT_PORTS[scheme] else f":{port}"
    return Target(
        url=f"{scheme}://{shown(host)}{shown_port}{resource}",
        secure=scheme == "wss",
        host=host,
        port=port,
        resource=resource,
        userinfo=_userinfo(url, parts),
    )


def _split(url: str) -> SplitResult:
    scheme, separator, rest = url.partition("://")
    if not separator:
        _refuse(url, f"has no scheme; write ws://{url.lstrip('/')} or wss://{url.lstrip('/')}")
    scheme = scheme.lower()
    if scheme in _WEB_SCHEMES:
        _refuse(url, f"is not a WebSocket address; write {_WEB_SCHEMES[scheme]}://{rest}")
    if scheme not in _DEFAULT_PORTS:
        _refuse(url, f"has an unknown scheme; write for example {_EXAMPLE}")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
    except ValueError:
        _refuse(url, f"has a bad host; {_IPV6_HINT}")
    if _place(parts).count(":") > 1 and "[" not in parts.netloc:
        _refuse(url, f"has a bad host or port; {_IPV6_HINT}")
    if "#" in url:
        _refuse(url, f"has a fragment; write {url.partition('#')[0]} or escape # as %23")
    return parts


def _unix_target(url: str) -> Target:
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    quoted, colon, resource = rest.partition(":")
    if not quoted.startswith("/"):
        _refuse(url, f"has no absolute path; write {_UNIX_EXAMPLE}")
    if "#" in rest or "?" in quoted or (colon and not resource.startswith("/")):
        _refuse(url, f"is not a path and, behind a colon, a resource; write {_UNIX_EXAMPLE}")
    try:
        raw = unquote_to_bytes(quoted)
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        _refuse(url, "has a path that is not UTF-8")
    if not path.isprintable() or path.endswith("/"):
        _refuse(url, f"has a bad path; write {_UNIX_EXAMPLE}")
    if len(raw) > _MAX_UNIX_PATH_BYTES:
        _refuse(url, f"has a path longer than {_MAX_UNIX_PATH_BYTES} bytes; use a shorter one")
    web = urlsplit(f"{_UNIX_SCHEMES[scheme]}://localhost{resource or '/'}")
    asked = _resource(web)
    return Target(
        url=f"{scheme}://{quote(path, safe=_UNIX_PATH_SAFE)}:{asked}",
        secure=web.scheme == "wss",
        host="localhost",
        port=_DEFAULT_PORTS[web.scheme],
        resource=asked,
        unix_path=path,
    )


def _host(url: str, parts: SplitResult) -> str:
    # urlsplit puts names and addresses into lower case, and takes the brackets of the latter.
    host = parts.hostname or ""
    if not host:
        _refuse(url, f"has no host; write for example {_EXAMPLE}")
    try:
        return parse_host(f"[{host}]" if _place(parts).startswith("[") else host)
    except HostError as error:
        _refuse(url, f"has a bad host {shorten(host)}: {error}")


def _port(url: str, parts: SplitResult) -> int:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        _refuse(url, "has a bad port; a port is a number from 1 to 65535")
    return _DEFAULT_PORTS[parts.scheme] if port is None else port


def _resource(parts: SplitResult) -> str:
    path = _quote(parts.path or "/")
    return f"{path}?{_quote(parts.query)}" if parts.query else path


def _place(parts: SplitResult) -> str:
    """Return host and port as they were written."""
    return parts.netloc.rpartition("@")[2]


def _userinfo(url: str, parts: SplitResult) -> str:
    """Return ``user:password`` (RFC 7617 section 2), empty where there is none."""
    secret, at, _ = parts.netloc.rpartition("@")
    if not at:
        return ""
    user, _, password = secret.partition(":")
    try:
        user, password = (unquote(text, errors="strict") for text in (user, password))
    except UnicodeDecodeError:
        _refuse(url, "has a user name that is not UTF-8; escape the bytes of UTF-8")
    if ":" in user or not (user + password).isprintable() or "{{" in user + password:
        _refuse(
            url,
            "has a user name that cannot be sent; write a name without colon and password "
            "without slots, or --header 'Authorization: …'",
        )
    return f"{user}:{password}"


def _quote(text: str) -> str:
    """Escape what may not stand in a path or query, and leave slots as they are."""
    pieces = _SLOT.split(text)
    return "".join(
        piece if i % 2 else quote(piece, safe=_RESOURCE_SAFE) for i, piece in enumerate(pieces)
    )


def _refuse(url: str, why: str) -> NoReturn:
    raise TargetError(f"{shorten(_without_userinfo(url), _MAX_SHOWN)} {_without_userinfo(why)}")


def _without_userinfo(text: str) -> str:
    # Greedy, because a password with an unescaped slash is why many an address is refused.
    return _USERINFO.sub(r"\1***@", text)
