"""The options of ``surgewire serve``; ``serve_chat_options`` has those of the chat target alone."""

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]"),
]

Port = Annotated[
    str | None,
    typer.Option(metavar="PORT", help="0 takes a free one. [default: 8765]"),
]

Processes = Annotated[
    str | None, typer.Option(metavar="N", help="Processes that share the port. [default: 1]")
]

Delay = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Hold everything that is sent back this long, as 2ms."),
]

DelayDistribution = Annotated[
    str | None,
    typer.Option(
        metavar="DISTRIBUTION",
        help="Hold what is sent back by chance: fixed:2ms, exponential:5ms (the mean), or "
        "mix:1ms@99,50ms@1 (delays with weights).",
    ),
]

Stall = Annotated[
    str | None,
    typer.Option(metavar="LENGTH/PERIOD", help="1s/10s: every 10 s, do nothing at all for 1 s."),
]

Deflate = Annotated[
    bool,
    typer.Option("--deflate", help="Agree to permessage-deflate where a client offers it."),
]

Truth = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a line for each message: when it came, when its answer left.",
    ),
]

Seed = Annotated[
    str | None,
    typer.Option(metavar="N", help="Seed of the delays. [default: 1]"),
]
