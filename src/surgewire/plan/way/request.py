"""What the opening handshake asks for."""

from surgewire.plan.way.part import Part


class RequestPart(Part):
    """What the opening handshake asks for."""
