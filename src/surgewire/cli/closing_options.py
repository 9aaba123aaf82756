"""How connections are closed."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class ClosingOptions(OptionGroup):
    """How connections are closed."""

    PART: ClassVar[str | None] = "closing"
    TITLE: ClassVar[str | None] = "Closing"

    code: Annotated[
        str | None,
        typer.Option(
            "--close-code",
            metavar="CODE",
            help="Code of our close frames: 1000 to 1003, 1007 to 1014, 3000 to 4999. "
            "[default: 1000]",
        ),
    ] = None
    reason: Annotated[
        str | None,
        typer.Option(
            "--close-reason",
            metavar="TEXT",
            help="Reason in our close frames, at most 123 bytes of UTF-8. [default: none]",
        ),
    ] = None
    timeout: Annotated[
        str | None,
        typer.Option(
            "--close-timeout",
            metavar="DURATION",
            help="How long the server's answer to our close frame is awaited. [default: 2s]",
        ),
    ] = None
    reset: Annotated[
        bool,
        typer.Option(
            "--close-reset", help="End connections by a TCP reset, without a closing handshake."
        ),
    ] = False
