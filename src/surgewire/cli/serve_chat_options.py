"""The options of ``surgewire serve chat`` that the echo target does not have: what goes wrong."""

from pathlib import Path
from typing import Annotated

import typer

Drop = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Share of the deliveries that are left out, as 1%."),
]

Duplicate = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Share of the deliveries that are written twice."),
]

Reorder = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the deliveries that the next one to the same member overtakes.",
    ),
]

Damage = Annotated[
    str | None,
    typer.Option(metavar="SHARE", help="Share of the deliveries in which the marker is changed."),
]

Cut = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE/TIME",
        help="1%/min: end so many connections by chance, a third each with a close frame, without "
        "one, and with a reset.",
    ),
]

MaxBacklog = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="End the connection of a member for which more than this is waiting. [default: 16m]",
    ),
]

Truth = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a line for each thing that was done, to which message for which member.",
    ),
]

Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="Seed of the delays and of what goes wrong. [default: 1]"),
]
