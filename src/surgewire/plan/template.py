"""Text with slots, as people write it: ``{"room":"{{room}}","text":"{{marker}} hello"}``."""

import re
from collections.abc import Collection

from surgewire.plan.units import shorten

Part = bytes | tuple[str] | tuple[str, int]
"""Constant bytes, or a slot by name; ``("random", 8)`` has its number of characters."""

SLOTS = {
    "marker": "the token by which the message is recognised",
    "room": "the user's room, from 0",
    "user": "the user's number, from 0",
    "seq": "the number of the user's message, from 1",
    "now_ms": "milliseconds since 1970",
    "random": "so many random characters, {{random:8}}",
    "padding": "filler that brings the message to its size",
}
MAX_RANDOM = 4096
_MAX_TEXT = 1 << 20

_SLOT = re.compile(r"\{\{([^{}]*)\}\}")
_RANDOM = re.compile(r"random:([0-9]{1,6})")


class TemplateError(ValueError):
    """A text whose slots cannot be filled; the message names the slot and lists the right ones."""


def parse_template(text: str, *, allowed: Collection[str] = tuple(SLOTS)) -> tuple[Part, ...]:
    """Take a text apart into constant bytes and slots; ``allowed`` are the names it may use.

    A slot is ``{{name}}``; single braces, as JSON has them, are text. Raises TemplateError.
    """
    if len(text) > _MAX_TEXT:
        raise TemplateError(f"{shorten(text)} is longer than {_MAX_TEXT:,} characters")
    parts: list[Part] = []
    end = 0
    for match in _SLOT.finditer(text):
        _add_constant(parts, text[end : match.start()], allowed)
        parts.append(_slot(match[1].strip(), allowed))
        end = match.end()
    _add_constant(parts, text[end:], allowed)
    if parts.count(("padding",)) > 1:
        raise TemplateError("{{padding}} stands there twice; one place takes all the filler")
    return tuple(parts)


def slots_of(parts: Collection[Part]) -> set[str]:
    """Return the names of the slots among ``parts``."""
    return {part[0] for part in parts if not isinstance(part, bytes)}


def _add_constant(parts: list[Part], text: str, allowed: Collection[str]) -> None:
    if "{{" in text:
        start = text[text.index("{{") :]
        raise TemplateError(f"{shorten(start)} is no slot; {_list(allowed)}")
    try:
        constant = text.encode()
    except UnicodeEncodeError:
        raise TemplateError(f"{shorten(text)} is not UTF-8; write text that is") from None
    if constant:
        parts.append(constant)


def _slot(name: str, allowed: Collection[str]) -> Part:
    random = _RANDOM.fullmatch(name)
    if random is not None and "random" in allowed:
        length = int(random[1])
        if 1 <= length <= MAX_RANDOM:
            return ("random", length)
        raise TemplateError(
            f"{{{{{name}}}}} is too {'short' if length < 1 else 'long'}; "
            f"write {{{{random:1}}}} to {{{{random:{MAX_RANDOM}}}}}"
        )
    if name == "random" and "random" in allowed:
        raise TemplateError("{{random}} does not say how many characters; write {{random:8}}")
    if name in allowed and name != "random":
        return (name,)
    spelled = shorten("{{" + name + "}}")[1:-1]
    if name in SLOTS:
        raise TemplateError(f"{spelled} has no meaning here; {_list(allowed)}")
    raise TemplateError(f"{spelled} is an unknown slot; {_list(allowed)}")


def _list(allowed: Collection[str]) -> str:
    names = [name for name in SLOTS if name in allowed]
    known = [f"{{{{{name}:8}}}}" if name == "random" else f"{{{{{name}}}}}" for name in names]
    if any(name not in SLOTS for name in allowed):
        # Not by their names: in a table without a heading those are the first user's secrets.
        known.append("and the columns in the heading of --users")
    return f"known here: {' '.join(known)}" if known else "no slot is known here"
