"""How long each phase of connecting may take."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class TimeoutOptions(OptionGroup):
    """How long each phase of connecting may take."""

    TITLE: ClassVar[str | None] = "Timeouts"

    connect_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Give up on a connection that is not open by then. [default: 30s]",
        ),
    ] = None
