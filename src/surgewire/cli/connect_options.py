"""Options of ``surgewire connect`` alone: who connects when, who comes back, what is searched."""

from typing import Annotated

import typer

Rate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Connects per time, all workers together: 500/s, or 50/s..500/s to climb. With "
        "--find-rate the rates to search in.",
    ),
]
Total = Annotated[
    str | None, typer.Option(metavar="N", help="Connections to attempt, with --rate.")
]
Storm = Annotated[
    str | None, typer.Option(metavar="N", help="Connect N at once, instead of --rate and --total.")
]
Waves = Annotated[
    str | None,
    typer.Option(
        metavar="WAVES",
        help="Connect in waves: 5x2000/10s are five of 2,000 each, one every 10 s.",
    ),
]
Hold = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Keep all open this long when every attempt has its outcome. [default: 0s]",
    ),
]
UntilMessage = Annotated[
    bool,
    typer.Option(
        "--until-message", help="Wait for the first message on each connection, and time it."
    ),
]
ReconnectStorm = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        help="After the hold, close this share at once, such as 20%; all come back.",
    ),
]
Reconnect = Annotated[
    str | None,
    typer.Option(
        metavar="RANGE",
        help="Those of the reconnect storm wait before each try, 1s..30s: at random up to 1 s, up "
        "to twice that after each failure, up to 30 s. Without: all try at once, and once.",
    ),
]
ReturnTimeout = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Wait this long for all to be back. [default: 60s]"),
]
Seed = Annotated[
    str | None, typer.Option(metavar="N", help="Decides who leaves, and the waits. [default: 1]")
]
FindRate = Annotated[
    bool,
    typer.Option(
        "--find-rate",
        help="Search for the highest rate at which all connect and p99 keeps below --p99.",
    ),
]
P99 = Annotated[
    str | None,
    typer.Option(
        "--p99", metavar="DURATION", help="Goal of --find-rate, of the connect time. [default: 1s]"
    ),
]
Step = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION", help="With --find-rate, try each rate this long. [default: 5s]"
    ),
]
