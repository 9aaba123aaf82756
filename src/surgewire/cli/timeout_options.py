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
            help="Give up on a connection that has not reached the server by then: name, TCP and "
            "proxy. [default: 30s]",
        ),
    ] = None
    tls_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Give up on a TLS handshake that takes longer. [default: as --connect-timeout]",
        ),
    ] = None
    upgrade_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Give up on an upgrade that takes longer. [default: as --connect-timeout]",
        ),
    ] = None
