"""The options of the commands that send messages: ``echo`` and ``chat``."""

from typing import Annotated

import typer

from surgewire.cli.groups import OptionGroup

Connections = Annotated[
    str | None, typer.Option(metavar="N", help="Connections to hold. Required.")
]


class SendingOptions(OptionGroup):
    """When users connect and send, and what counts."""

    duration: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="How long to send and count: 90s, 10m, 1h30m. [default: 60s]"
        ),
    ] = None

    ramp: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Spread the connects over this time. "
            "[default: 10s, or 1ms for each connection if that is less]",
        ),
    ] = None

    connect_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Instead of --ramp: connects per time, all workers together: 500/s, or "
            "100/s..500/s to climb.",
        ),
    ] = None

    warmup: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Send this long before counting. [default: 0s]"),
    ] = None

    drain: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="Wait at most this long for the last answers. [default: 5s]"
        ),
    ] = None

    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="A delivery that takes longer counts as late. [default: 2s]"
        ),
    ] = None

    tick: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Grid on which messages are planned; a finer one costs more CPU. [default: 1ms]",
        ),
    ] = None

    poisson: Annotated[
        bool, typer.Option("--poisson", help="Send at random instants with the mean of --rate.")
    ] = False
