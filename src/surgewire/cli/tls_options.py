"""How wss connections are secured and whom they trust."""

from typing import ClassVar

from surgewire.cli.groups import OptionGroup


class TlsOptions(OptionGroup):
    """How wss connections are secured and whom they trust."""

    PART: ClassVar[str | None] = "tls"
    TITLE: ClassVar[str | None] = "TLS"
