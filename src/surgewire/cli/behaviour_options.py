"""Users that do not behave."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class BehaviourOptions(OptionGroup):
    """Users that do not behave."""

    PART: ClassVar[str | None] = None
    TITLE: ClassVar[str | None] = "Awkward clients"
