"""How wss connections are secured and whom they trust."""

from surgewire.plan.way.part import Part


class TlsPart(Part):
    """How wss connections are secured and whom they trust."""
