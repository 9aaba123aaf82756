"""The options that more than one command has.

Values arrive as the text that was written: reading and checking them is the plan's work, so that
the command line and Python agree on what is right and say the same about what is wrong.
"""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str,
    typer.Argument(metavar="URL", help="The server: ws://host:port/path or wss://…"),
]
Processes = Annotated[
    str | None,
    typer.Option(metavar="N", help="Worker processes. [default: one per core]"),
]
ConnectTimeout = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Give up on a connection that is not open by then. [default: 30s]",
    ),
]
Ping = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Ping every connection this often; one that does not answer in time is closed as "
        "timeout_ping.",
    ),
]
PingTimeout = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="How long to wait for the answer to a ping. [default: as --ping, 20s at most]",
    ),
]
TargetPid = Annotated[
    str | None,
    typer.Option(
        metavar="PID",
        help="Process of the server on this machine: its CPU and memory are recorded as well.",
    ),
]
JsonFile = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write the result as JSON; - is standard output.",
    ),
]
RunsDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Keep the folder of the run in here. [default: surgewire-runs]",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", help="Print nothing but errors."),
]
