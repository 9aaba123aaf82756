"""What must never be written down or shown, and how it is taken out of texts.

Three lines of defence: fields that are secret as a whole (``Part.SECRET``), values that are secret
by the name before them (``redact_url``, ``redact_text``), and at the edges, where texts of others
come in (tracebacks, messages), the values themselves (``Redactor``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Protocol, TypeAlias, runtime_checkable
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, PlainSerializer

from surgewire.plan.units import UnitError

HIDDEN = "***"
"""Stands for a secret wherever a plan is written down."""

LEAST_LENGTH = 5
"""Shorter values are part of too many words to be looked for in a text."""

MOST_SEARCHED = 1_000
MOST_NAMES = 100

_NAME = re.compile(r"[\w.-]{1,100}")

_SLOT = re.compile(r"\{\{[^{}]*\}\}")
# Also one that is not closed, which a message has to name.
_AS_SLOT = re.compile(r"\{\{[^{}]*\}{0,2}")
_WORD = re.compile(r"[^\s\"'<>(){}\[\],;:=]+")
_SCHEMES = ("bearer", "basic", "digest", "negotiate", "token", "apikey")
_IN_A_NAME = re.compile(
    r"token|secret|passw|passphrase|apikey|accesskey|signature|authoriz|credential|session|cookie|"
    r"jwt|ticket|(?:^|[^a-z])(?:key|sig|auth|pass|pwd|sid)$|key$|sig$|auth$"
)
_HEADER_NAME = re.compile(r"\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*:\s+")
_NAMED_VALUE = re.compile(
    r"(?P<name>[\w.-]+)(?P<between>\\?[\"']?\s*[:=]\s*)"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\\\".*?\\\"|"
    rf"(?i:{'|'.join(_SCHEMES)})\s+[^\s\"'&;,]+|[^\s\"'&;,{{}}\[\]\\]+)"
)


@runtime_checkable
class SecretTable(Protocol):
    """Many secrets, too many to search for each of them."""

    def holds(self, text: str) -> bool:
        """Tell whether `text` is one of them."""


Secret: TypeAlias = str | SecretTable


def is_secret_name(name: str, also: Iterable[str] = ()) -> bool:
    """Tell whether what goes by this name is a secret, such as ``token``, ``X-Api-Key``, ``sig``.

    also: names beyond those that are known; letter case plays no part.
    """
    lowered = name.lower()
    if lowered in {other.lower() for other in also}:
        return True
    squeezed = re.sub(r"[-_.]", "", lowered)
    return bool(_IN_A_NAME.search(lowered) or _IN_A_NAME.search(squeezed))


def redact_url(url: str, also: Iterable[str] = ()) -> str:
    """Take user, password and fragment out of a URL and the values out of its query.

    Tokens travel in query strings, and no list of names tells all of them: so every value goes
    that is more than a slot such as ``{{room}}``. In the path go values that are named as secrets
    (``;token=…``). also: further names of secrets.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    also = tuple(also)
    query = "&".join(_shown_item(item) for item in parts.query.split("&") if item)
    if parts.query and not query:
        query = HIDDEN
    netloc = parts.netloc.rpartition("@")[2]
    path = "/".join(redact_text(step, also) for step in parts.path.split("/"))
    # Not put together by the library, which takes the slashes out of ws+unix:///path.
    return f"{parts.scheme}://{netloc}{path}" + (f"?{query}" if query else "")


def _shown_item(item: str) -> str:
    """Show one item of a query; without a name, all of it is value."""
    name, equals, value = item.partition("=")
    if not equals:
        return item if _SLOT.fullmatch(item) else HIDDEN
    return f"{name}={value if _SLOT.fullmatch(value) else HIDDEN}"


def redact_text(text: str, also: Iterable[str] = ()) -> str:
    """Hide the values of secrets by their names: ``token=…``, ``"password": "…"``.

    Slots such as ``{{token}}`` stay, for they are names and no values. also: further names.
    """
    found = sorted(_named(text, tuple(also)), reverse=True)
    for start, end in found:
        text = text[:start] + HIDDEN + text[end:]
    return text


def named_secrets(text: str, also: Iterable[str] = ()) -> Iterator[str]:
    """Give the values that ``redact_text`` hides."""
    for start, end in _named(text, tuple(also)):
        yield text[start:end]


def _named(text: str, also: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Give begin and end of each value, its quotes left out, that a name makes a secret."""
    for match in _NAMED_VALUE.finditer(text):
        value = match["value"]
        quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
        start, end = match.start("value") + len(quote), match.end("value") - len(quote)
        slot = _SLOT.fullmatch(text[start:end])
        if start < end and not slot and is_secret_name(match["name"], also):
            yield start, end


def secrets_in_url(url: str, also: Iterable[str] = ()) -> Iterator[str]:
    """Give the values that ``redact_url`` takes out of a URL. It need not be a right one."""
    also = tuple(also)
    authority, *steps = url.partition("://")[2].partition("#")[0].partition("?")[0].split("/")
    for step in steps:
        yield from named_secrets(step, also)
    if "@" in authority:
        userinfo = authority.rpartition("@")[0]
        yield from (userinfo, *userinfo.split(":", 1))
    query = url.partition("?")[2].partition("#")[0]
    for item in re.split(r"[&;]", query):
        yield item.partition("=")[2] or item
    yield url.partition("#")[2]


def secrets_in(value: Any) -> Iterator[Secret]:
    """Give what is secret in the value of a secret field, and the parts that tell it.

    Lists and maps are gone through; of ``Name: value``, ``name=value`` and pairs the value counts.
    """
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from secrets_in(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from secrets_in(inner[1] if _is_pair(inner) else inner)
    elif isinstance(value, str):
        yield from _pieces(value)
    elif isinstance(value, SecretTable):
        yield value


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str)


def _pieces(text: str) -> Iterator[str]:
    if "://" in text:
        yield from secrets_in_url(text)
        return
    header = _HEADER_NAME.match(text)
    rest = text[header.end() :] if header else text
    yield rest
    yield from named_secrets(rest)
    if rest.lstrip().startswith(("{", "[")):
        return
    for item in re.split(r"[;,\s]+", rest):
        name, equals, value = item.partition("=")
        if equals and value.strip("="):
            yield from (value, value.rstrip("="))
        elif name.lower() not in _SCHEMES:
            yield item


class Redactor:
    """Takes values out of texts. Also what is left of one where the text was cut short."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Take out `secrets`; texts that are shorter than LEAST_LENGTH or slots are left alone.

        Up to MOST_SEARCHED they are found wherever they stand, more than that (of a file with
        many users) only where they stand as a word of their own, as do those of tables.
        """
        secrets = list(secrets)
        self._tables = [secret for secret in secrets if not isinstance(secret, str)]
        values = [secret for secret in secrets if isinstance(secret, str)]
        forms = {form for value in values for form in (value, unquote(value), repr(value)[1:-1])}
        forms = {form.strip() for form in forms if not _AS_SLOT.fullmatch(form.strip())}
        self.values = frozenset(form for form in forms if len(form) >= LEAST_LENGTH)
        # Longest first: a value may be part of another one.
        self._searched = sorted(self.values, key=len, reverse=True)
        if len(self._searched) > MOST_SEARCHED:
            self._searched = []

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self.values or self._tables)

    def redact(self, text: str) -> str:
        """Return the text with ``***`` in place of each value."""
        for value in self._searched:
            text = text.replace(value, HIDDEN)
        if self._tables or (self.values and not self._searched):
            text = _WORD.sub(lambda m: HIDDEN if self._is_secret(m[0]) else m[0], text)
        return self._redact_beginnings(text) if "…" in text else text

    def _is_secret(self, word: str) -> bool:
        if len(word) < LEAST_LENGTH:
            return False
        return word in self.values or any(table.holds(word) for table in self._tables)

    def _redact_beginnings(self, text: str) -> str:
        """Hide the beginning of a value that ends in an ellipsis, as texts do that were cut."""
        pieces = text.split("…")
        for place, piece in enumerate(pieces[:-1]):
            longest = max((_overlap(piece, value) for value in self._searched), default=0)
            if longest >= LEAST_LENGTH:
                pieces[place] = piece[:-longest] + HIDDEN
        return "…".join(pieces)


def _overlap(text: str, value: str) -> int:
    """Return the length of the longest beginning of `value` with which `text` ends."""
    lengths = range(min(len(text), len(value)), LEAST_LENGTH - 1, -1)
    return next((length for length in lengths if text.endswith(value[:length])), 0)


def _read_names(value: Any) -> Any:
    names = value if isinstance(value, list | tuple) else [value]
    for name in names:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            # What is no name may be the secret itself, so it is not repeated.
            raise UnitError(
                "that is no name; write the name alone, for example session_id, not the value"
            )
    if len(names) > MOST_NAMES:
        raise UnitError(f"{len(names)} names are too many; write {MOST_NAMES} at most")
    return tuple(names)


SecretNames = Annotated[
    tuple[str, ...], BeforeValidator(_read_names), PlainSerializer(lambda names: list(names))
]
"""Names of values that are secret, beyond those that are known."""
