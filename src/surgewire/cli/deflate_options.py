"""Whether messages are compressed, and what is offered for that."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class DeflateOptions(OptionGroup):
    """Whether messages are compressed, and what is offered for that."""

    PART: ClassVar[str | None] = "deflate"
    TITLE: ClassVar[str | None] = "Compression"

    offered: Annotated[
        bool,
        typer.Option(
            "--deflate",
            help="Offer permessage-deflate as browsers do, and compress what is sent where the "
            "server agrees.",
        ),
    ] = False
    offer: Annotated[
        str | None,
        typer.Option(
            "--deflate-offer",
            metavar="PARAMETERS",
            help="Offer it with exactly these parameters of RFC 7692, with ';' between.",
        ),
    ] = None
    level: Annotated[
        str | None,
        typer.Option(
            "--deflate-level",
            metavar="N",
            help="How hard to compress, 1 (fast) to 9 (small). [default: 6]",
        ),
    ] = None
