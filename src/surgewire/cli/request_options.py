"""What the opening handshake asks for."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


def _read(path: Path | None) -> Any:
    from surgewire.engine.way.users_file import read_users

    return None if path is None else read_users(path)


class RequestOptions(OptionGroup):
    """What the opening handshake asks for."""

    PART: ClassVar[str | None] = "request"
    TITLE: ClassVar[str | None] = "Request"

    headers: Annotated[
        list[str] | None,
        typer.Option("--header", metavar="'NAME: VALUE'", help="Header to send; repeatable."),
    ] = None
    cookies: Annotated[
        list[str] | None,
        typer.Option("--cookie", metavar="NAME=VALUE", help="Cookie to send; repeatable."),
    ] = None
    origin: Annotated[
        str | None, typer.Option(metavar="URL", help="Origin, as browsers send it.")
    ] = None
    subprotocols: Annotated[
        list[str] | None,
        typer.Option(
            "--subprotocol", metavar="NAME", help="Subprotocol to offer; repeatable, best first."
        ),
    ] = None
    user_agent: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What to be called. [default: surgewire/VERSION]"),
    ] = None
    queries: Annotated[
        list[str] | None,
        typer.Option(
            "--query", metavar="NAME=VALUE", help="Parameter to add to the URL; repeatable."
        ),
    ] = None
    users: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            callback=_read,
            help="Table of users, CSV or JSON lines: its columns are slots, as {{token}}, in URL, "
            "request, --join and --send.",
        ),
    ] = None
    users_mode: Annotated[
        str | None,
        typer.Option(
            metavar="MODE",
            help="round-robin: rows serve again when all are taken; once: each serves one user. "
            "[default: round-robin]",
        ),
    ] = None
    follow: Annotated[
        bool, typer.Option("--follow", help="Follow redirects, at most 5, never from wss to ws.")
    ] = False
