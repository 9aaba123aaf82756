"""What stays secret, and when a run stops by itself."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class SafetyOptions(OptionGroup):
    """What stays secret, and when a run stops by itself."""

    PART: ClassVar[str | None] = None
    TITLE: ClassVar[str | None] = "Safety"
