"""Where connections come from, and by which way they go."""

from surgewire.plan.way.part import Part


class RoutePart(Part):
    """Where connections come from, and by which way they go."""
