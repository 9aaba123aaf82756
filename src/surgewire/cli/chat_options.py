"""The options of ``surgewire chat`` that no other command has."""

from pathlib import Path
from typing import Annotated

import typer

Url = Annotated[
    str,
    typer.Argument(
        metavar="URL",
        help="The server: ws://host:port/path or wss://…; {{room}} and {{user}} in path and query "
        "are filled for each connection.",
    ),
]

Rooms = Annotated[
    str | None,
    typer.Option(
        metavar="N", help="Rooms over which the connections are spread evenly. [default: 1]"
    ),
]

Rate = Annotated[
    str | None,
    typer.Option(
        metavar="RATE",
        help="Messages of each user that speaks: 1/s, 0.2/s, 30/m. Required.",
    ),
]

Join = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="Message that asks to join, sent when a connection is open. Slots: {{room}} "
        "{{user}} {{now_ms}} {{random:8}}. Without it, the URL is taken to name the room.",
    ),
]

Joined = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Text in an incoming message that confirms the join, or /regex/. Without it, a user "
        "counts as joined one second after it has asked.",
    ),
]

JoinTimeout = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Give up on a user whose join is not confirmed by then. [default: 10s]",
    ),
]

Send = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="The message. {{marker}} must be in it: by that it is recognised. Slots beside "
        "those of --join: {{seq}} {{padding}}. [default: {{marker}}{{padding}}]",
    ),
]

To = Annotated[
    str | None,
    typer.Option(
        metavar="room|others",
        help="Who is to hear a message: all in the room, the sender too, or all others. "
        "[default: room]",
    ),
]

Senders = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        help="Share of the users that speak, at least one in each room. [default: 100%]",
    ),
]

Binary = Annotated[bool, typer.Option("--binary", help="Send binary messages; joining stays text.")]

Size = Annotated[
    str | None,
    typer.Option(
        metavar="SIZES",
        help="Bytes of a message: 64; any from 64..4k; 100,1k,10k@70,25,5 with weights. Filler "
        "takes the place of {{padding}}, or stands behind the marker. [default: as --send is]",
    ),
]

Reconnect = Annotated[
    str | None,
    typer.Option(
        metavar="FROM..TO",
        help="1s..30s: who was cut off comes back after a random wait of up to 1 s, then 2 s, "
        "4 s … 30 s. [default: does not come back]",
    ),
]

Churn = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE/TIME",
        help="5%/min: so many users leave on purpose, steadily, and come back.",
    ),
]

SendDuringRamp = Annotated[
    bool,
    typer.Option(
        "--send-during-ramp", help="Send from the beginning, not only when all have joined."
    ),
]

Trace = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write a line for every message sent and received, each worker into a file of its "
        "own: FILE.0, FILE.1 …",
    ),
]

Seed = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Seed of sizes, waits, who leaves, and the instants of --poisson. [default: 1]",
    ),
]
