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
