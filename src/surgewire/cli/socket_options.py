"""Options of the sockets."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class SocketOptions(OptionGroup):
    """Options of the sockets."""

    PART: ClassVar[str | None] = "sockets"
    TITLE: ClassVar[str | None] = "Sockets"

    quickack: Annotated[
        bool | None,
        typer.Option(
            "--quickack/--no-quickack",
            help="Acknowledge what comes at once, or as late as TCP allows. "
            "[default: as the system likes]",
        ),
    ] = None
    send_buffer: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="SO_SNDBUF of each socket: 64k. [default: the system's]"),
    ] = None
    receive_buffer: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="SO_RCVBUF of each socket: 64k. [default: the system's]"),
    ] = None
    keepalive: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Have the system probe a peer that is silent this long, and as often; after three "
            "probes without an answer the connection ends. [default: no probes]",
        ),
    ] = None
    tcp_user_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Have the system end a connection whose data is not acknowledged by then. "
            "[default: the system's]",
        ),
    ] = None
