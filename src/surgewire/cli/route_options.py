"""Where connections come from, and by which way they go."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class RouteOptions(OptionGroup):
    """Where connections come from, and by which way they go."""

    PART: ClassVar[str | None] = "route"
    TITLE: ClassVar[str | None] = "Route"
