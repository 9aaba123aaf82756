"""The options of ``surgewire echo`` that no other command has."""

from typing import Annotated

import typer

Rate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Messages of each connection: 1/s, 0.2/s, 30/m. Required without --pingpong.",
    ),
]

Size = Annotated[
    str | None,
    typer.Option(metavar="SIZE", help="Bytes of a message: 52 or more, 1k, 64k. [default: 64]"),
]

Pingpong = Annotated[
    bool,
    typer.Option(
        "--pingpong",
        help="Closed model: send the next message when the last one is back. Its percentiles "
        "hide stalls of the server.",
    ),
]

Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="Seed of the instants of --poisson. [default: 1]"),
]
