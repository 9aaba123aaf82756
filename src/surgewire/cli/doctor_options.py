"""The options of ``surgewire doctor``."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str | None,
    typer.Argument(metavar="URL", help="The server, to tell one here from one elsewhere."),
]
Connections = Annotated[str, typer.Option(metavar="N", help="Connections of the run.")]
Rate = Annotated[str, typer.Option(metavar="RATE", help="Messages of each user: 1/s, 0.2/s, 30/m.")]
Size = Annotated[str | None, typer.Option(metavar="BYTES", help="Size of a message. [default: 64]")]
Duration = Annotated[str, typer.Option(metavar="DURATION", help="How long the run sends.")]
Tls = Annotated[bool, typer.Option("--tls", help="Connections are wss://.")]
Rooms = Annotated[
    str | None,
    typer.Option(metavar="N", help="Rooms of a chat run; without them it is an echo run."),
]
Source = Annotated[
    str | None,
    typer.Option(
        metavar="SOURCES", help="Addresses to connect from, as in the run's own --source."
    ),
]
Processes = Annotated[
    str | None, typer.Option(metavar="N", help="Worker processes. [default: one per core]")
]
NoSelfTest = Annotated[
    bool,
    typer.Option("--no-self-test", help="Read only: do not measure what can be generated."),
]
Json = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the findings as JSON; - is standard output."
    ),
]
