"""Options of the sockets."""

from typing import Annotated

from pydantic import AfterValidator

from surgewire.plan import fields
from surgewire.plan.fields import HOUR, MS, S
from surgewire.plan.units import UnitError, format_duration
from surgewire.plan.way.part import Part

_GIB = 1 << 30


def _whole_seconds(value: int) -> int:
    if value % S:
        raise UnitError(f"{format_duration(value)} is not whole seconds; write for example 30s")
    return value


class SocketPart(Part):
    """Options of the sockets; None leaves the system's default.

    ``quickack``: TCP_QUICKACK, kept up over the connection's life. ``send_buffer_bytes``,
    ``receive_buffer_bytes``: SO_SNDBUF and SO_RCVBUF. ``keepalive_ns``: silence after which the
    system probes the peer, and the time between probes. ``tcp_user_timeout_ns``: how long what was
    sent may stay unacknowledged (RFC 5482).
    """

    quickack: bool | None = None
    send_buffer_bytes: Annotated[int, *fields.size(1 << 10, _GIB)] | None = None
    receive_buffer_bytes: Annotated[int, *fields.size(1 << 10, _GIB)] | None = None
    keepalive_ns: (
        Annotated[int, *fields.duration(S, HOUR), AfterValidator(_whole_seconds)] | None
    ) = None
    tcp_user_timeout_ns: Annotated[int, *fields.duration(MS, HOUR)] | None = None

    @property
    def of_tcp(self) -> tuple[str, ...]:
        """The fields given that only TCP has."""
        names = ("quickack", "keepalive_ns", "tcp_user_timeout_ns")
        return tuple(name for name in names if getattr(self, name) is not None)

    @property
    def any(self) -> bool:
        """Whether anything is to be set."""
        return any(getattr(self, name) is not None for name in type(self).model_fields)
