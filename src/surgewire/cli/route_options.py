"""Where connections come from, and by which way they go."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class RouteOptions(OptionGroup):
    """Where connections come from, and by which way they go."""

    PART: ClassVar[str | None] = "route"
    TITLE: ClassVar[str | None] = "Route"

    resolve: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT:ADDRESS",
            help="Take this address for a name, as in curl; several with commas between them are "
            "used in turn. Can be given more than once.",
        ),
    ] = None
    family: Annotated[
        str | None,
        typer.Option(
            metavar="4|6|any",
            help="Use addresses of IPv4 or of IPv6 only. [default: any]",
        ),
    ] = None
    source: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCES",
            help="Connect from these addresses in turn: 127.0.0.2-127.0.0.9, a list with commas, "
            "the name of an interface, or auto for all that lead to the target.",
        ),
    ] = None
    proxy: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Connect through a proxy: http://user:password@host:port (CONNECT), socks5://… or "
            "socks5h://…, which looks the name up.",
        ),
    ] = None
