"""How users come back, as plans of several kinds have it."""

from typing import Annotated

from surgewire.plan import fields
from surgewire.plan.fields import HOUR, MS
from surgewire.plan.units import UnitError, format_duration, parse_duration, shorten

PauseField = Annotated[int, *fields.duration(10 * MS, HOUR)]
"""The bound of a wait before another try, in nanoseconds."""


def parse_reconnect(text: str) -> tuple[int, int]:
    """Read ``1s..30s``; gives the bounds of the first wait and of the longest in nanoseconds.

    Raises UnitError.
    """
    least, dots, most = text.partition("..")
    if not dots:
        raise UnitError(f"{shorten(text)} has one end; write for example 1s..30s")
    return parse_duration(least), parse_duration(most)


def check_reconnect(least_ns: int | None, most_ns: int | None) -> None:
    """Raise UnitError where the two bounds do not go together."""
    if least_ns is None and most_ns is None:
        return
    if least_ns is None or most_ns is None:
        raise UnitError("reconnect has two ends; write reconnect='1s..30s'")
    if least_ns > most_ns:
        least, most = map(format_duration, (most_ns, least_ns))
        raise UnitError(f"--reconnect: the shorter time comes first; write {least}..{most}")
