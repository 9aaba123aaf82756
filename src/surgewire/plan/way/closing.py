"""How we close connections."""

from surgewire.plan.way.part import Part


class ClosingPart(Part):
    """How we close connections."""
