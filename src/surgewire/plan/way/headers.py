"""Header lines, cookies, query parameters and subprotocols as people write them.

No message shows a value: any of them may be a password or a token.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from surgewire.plan.units import UnitError, shorten

Pairs = tuple[tuple[str, str], ...]

MAX_VALUE = 65_536

# RFC 9110 section 5.6.2: what names of headers, cookies and subprotocols are made of.
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SLOT = re.compile(r"(\{\{[^{}]*\}\})")
_UNRESERVED = "-._~"

# Headers that the handshake itself writes, and what to write instead of them.
_RESERVED = {
    "connection": "the opening handshake writes it; leave it out",
    "upgrade": "the opening handshake writes it; leave it out",
    "sec-websocket-key": "the opening handshake writes it; leave it out",
    "sec-websocket-version": "the opening handshake writes it; leave it out",
    "sec-websocket-accept": "servers write it; leave it out",
    "sec-websocket-protocol": "write --subprotocol instead",
    "sec-websocket-extensions": "write --deflate instead",
    "content-length": "an opening handshake has no body; leave it out",
    "transfer-encoding": "an opening handshake has no body; leave it out",
}


def has_control(text: str) -> bool:
    """Tell whether a text holds a control character, such as a line break."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def parse_headers(value: Any) -> Any:
    """Return pairs of name and value; takes lines ``Name: value``, pairs, or a mapping."""
    return _pairs(value, ":", _header, "Name: value")


def parse_queries(value: Any) -> Any:
    """Return pairs of name and value; takes ``name=value``, pairs, or a mapping."""
    return _pairs(value, "=", _query, "name=value")


def parse_cookies(value: Any) -> Any:
    """Return pairs of name and value; takes ``name=value``, several behind ``;``, or pairs."""
    if isinstance(value, str):
        value = (value,)
    if isinstance(value, Sequence):
        split = (item.split(";") if isinstance(item, str) else [item] for item in value)
        value = [part for parts in split for part in parts]
    return _pairs(value, "=", _cookie, "name=value")


def parse_subprotocols(value: Any) -> Any:
    """Return the names of subprotocols in their order of preference; takes one or several."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, Sequence):
        raise UnitError("there is no text; write the name of a subprotocol, for example chat.v1")
    for number, name in enumerate(names, 1):
        bare = _SLOT.sub("x", name) if isinstance(name, str) else ""
        if not _TOKEN.fullmatch(bare) or len(bare) > MAX_VALUE:
            raise UnitError(
                f"{_which(number, names)} is no name of a subprotocol, which has letters, digits "
                "and -._~!#$%&'*+^`| alone; write for example chat.v1"
            )
    if len(set(names)) < len(names):
        raise UnitError("one name stands there twice; write each once")
    return tuple(names)


def check_line(value: str) -> str:
    """Return the value of a header. Raises UnitError where it could end the header's line."""
    if has_control(value):
        raise UnitError("there is a line break or other control character; take it out")
    if len(value) > MAX_VALUE:
        raise UnitError(f"there are more than {MAX_VALUE:,} characters; write fewer")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnitError("there is text that is not UTF-8; write text that is") from None
    return value.strip(" ")


def query_text(pairs: Pairs) -> str:
    """Return parameters as they stand in a URL, slots as they were written."""
    return "&".join(f"{_escape(name)}={_escape(value)}" for name, value in pairs)


def _pairs(
    value: Any, separator: str, read: Callable[[str, str], tuple[str, str]], form: str
) -> Pairs:
    if isinstance(value, str):
        value = (value,)
    items = list(value.items()) if isinstance(value, Mapping) else value
    if not isinstance(items, Sequence):
        raise UnitError(f"there is no text; write '{form}'")
    return tuple(
        read(*_split(item, separator, _which(number, items), form))
        for number, item in enumerate(items, 1)
    )


def _split(item: Any, separator: str, which: str, form: str) -> tuple[str, str]:
    if isinstance(item, str):
        name, found, text = item.partition(separator)
        if not found:
            raise UnitError(f"{which} has no {separator!r}; write '{form}'")
        return name.strip(" "), text.strip(" ")
    if isinstance(item, Sequence) and len(item) == 2 and all(isinstance(x, str) for x in item):
        return item[0], item[1]
    raise UnitError(f"{which} is no text; write '{form}'")


def _header(name: str, value: str) -> tuple[str, str]:
    if not _TOKEN.fullmatch(name):
        raise UnitError("a name may have letters, digits and hyphens alone; write 'Name: value'")
    if (why := _RESERVED.get(name.lower())) is not None:
        raise UnitError(f"{shorten(name)} cannot be set: {why}")
    return name, _checked(name, value)


def _cookie(name: str, value: str) -> tuple[str, str]:
    if not _TOKEN.fullmatch(name):
        raise UnitError("a cookie has a name of letters and digits; write 'name=value'")
    if ";" in value:
        raise UnitError(f"{shorten(name)}: there is a ';' in the value; write it as %3B")
    return name, _checked(name, value)


def _query(name: str, value: str) -> tuple[str, str]:
    if not name or _SLOT.search(name):
        raise UnitError("a parameter has a name without slots; write 'name=value'")
    return _checked("the name", name), _checked(name, value)


def _checked(name: str, value: str) -> str:
    try:
        return check_line(value)
    except UnitError as error:
        raise UnitError(f"{shorten(name)}: {error}") from None


def _which(number: int, items: Sequence[Any]) -> str:
    return "the value" if len(items) == 1 else f"value {number} of {len(items)}"


def _escape(text: str) -> str:
    pieces = _SLOT.split(text)
    return "".join(
        piece if place % 2 else quote(piece, safe=_UNRESERVED) for place, piece in enumerate(pieces)
    )
