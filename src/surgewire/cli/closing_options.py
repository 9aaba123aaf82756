"""How connections are closed."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class ClosingOptions(OptionGroup):
    """How connections are closed."""

    PART: ClassVar[str | None] = "closing"
    TITLE: ClassVar[str | None] = "Closing"
