"""What the opening handshake asks for."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class RequestOptions(OptionGroup):
    """What the opening handshake asks for."""

    PART: ClassVar[str | None] = "request"
    TITLE: ClassVar[str | None] = "Request"
