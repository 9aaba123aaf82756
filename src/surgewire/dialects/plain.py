"""Plain WebSocket text messages: a marker and filler."""

from surgewire._core import marker
from surgewire._core.template import FILLER, Template


def plain_text(size_bytes: int) -> Template:
    """Return a text message of exactly `size_bytes` that begins with its marker.

    Raises ValueError where a marker does not fit.
    """
    room = size_bytes - marker.LENGTH
    if room < 0:
        raise ValueError(f"a message needs at least {marker.LENGTH} bytes, not {size_bytes}")
    filler = (FILLER * (room // len(FILLER) + 1))[:room]
    return Template((("marker",), filler))
