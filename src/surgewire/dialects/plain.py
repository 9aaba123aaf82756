"""Plain WebSocket text messages: a marker and filler."""

from dataclasses import dataclass

from surgewire._core import marker

_FILLER = b" surgewire load"


@dataclass(frozen=True, slots=True)
class Template:
    """A message as constant bytes around the place of its marker."""

    before: bytes
    after: bytes

    @property
    def size_bytes(self) -> int:
        """Length of a message made from it."""
        return len(self.before) + marker.LENGTH + len(self.after)


def plain_text(size_bytes: int) -> Template:
    """Return a text message of exactly `size_bytes` that begins with its marker.

    Raises ValueError where a marker does not fit.
    """
    room = size_bytes - marker.LENGTH
    if room < 0:
        raise ValueError(f"a message needs at least {marker.LENGTH} bytes, not {size_bytes}")
    return Template(b"", (_FILLER * (room // len(_FILLER) + 1))[:room])
