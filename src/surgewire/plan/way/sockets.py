"""Options of the sockets."""

from surgewire.plan.way.part import Part


class SocketPart(Part):
    """Options of the sockets."""
