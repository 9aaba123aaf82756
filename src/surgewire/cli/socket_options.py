"""Options of the sockets."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class SocketOptions(OptionGroup):
    """Options of the sockets."""

    PART: ClassVar[str | None] = "sockets"
    TITLE: ClassVar[str | None] = "Sockets"
