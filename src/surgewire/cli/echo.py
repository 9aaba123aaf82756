"""``surgewire echo``: messages to a server that sends them back."""

from typing import Annotated

import typer

from surgewire.cli import options

HELP = """\
Send messages at a fixed rate to a server that echoes them.

Opens the connections, then sends on each at its planned instants, whatever the server does,
and accounts for every message: delivered, lost, duplicated, reordered, late. Latency counts
from the instant a message was planned for, so that a server that stalls cannot hide it.
The server must send each message back to the connection that it came from, in whatever
envelope.

\b
Examples:
  surgewire echo ws://127.0.0.1:8765/ --connections 10000 --rate 1/s
  surgewire echo wss://example.com/echo --connections 500 --rate 30/m \\
      --duration 10m --warmup 10s --json result.json
  surgewire echo ws://127.0.0.1:8765/ --connections 100 --pingpong

\b
Units: durations 250ms 10s 1m30s, rates 500/s 0.2/s 30/m, sizes 64 64k 1m.
Ctrl-C drains and reports; a second Ctrl-C reports at once.
Exit codes: 0 all well, 1 the run could not be done, 2 wrong usage,
99 the server fell short, 130 interrupted.
"""


def echo(
    url: options.Url,
    connections: Annotated[
        str | None, typer.Option(metavar="N", help="Connections to hold. Required.")
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Messages of each connection: 1/s, 0.2/s, 30/m. Required without --pingpong.",
        ),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="How long to send and count: 90s, 10m, 1h30m. [default: 60s]"
        ),
    ] = None,
    ramp: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Spread the connects over this time. "
            "[default: 10s, or 1ms for each connection if that is less]",
        ),
    ] = None,
    connect_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Instead of --ramp: connects per time, all workers together: 500/s, or "
            "100/s..500/s to climb.",
        ),
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Bytes of a message: 52 or more, 1k, 64k. [default: 64]"),
    ] = None,
    warmup: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Send this long before counting. [default: 0s]"),
    ] = None,
    drain: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="Wait at most this long for the last answers. [default: 5s]"
        ),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="A delivery that takes longer counts as late. [default: 2s]"
        ),
    ] = None,
    tick: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Grid on which messages are planned; a finer one costs more CPU. [default: 1ms]",
        ),
    ] = None,
    poisson: Annotated[
        bool, typer.Option("--poisson", help="Send at random instants with the mean of --rate.")
    ] = False,
    pingpong: Annotated[
        bool,
        typer.Option(
            "--pingpong",
            help="Closed model: send the next message when the last one is back. Its percentiles "
            "hide stalls of the server.",
        ),
    ] = False,
    processes: options.Processes = None,
    connect_timeout: options.ConnectTimeout = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help="Seed of the instants of --poisson. [default: 1]"),
    ] = None,
    json: options.JsonFile = None,
    runs_dir: options.RunsDir = None,
    quiet: options.Quiet = False,
) -> int:
    """Run ``surgewire echo`` with the flags as they were written; return the exit code."""
    from surgewire.cli.job import make_plan, perform

    plan = make_plan(
        kind="echo",
        target=url,
        connections=connections,
        rate=rate,
        duration=duration,
        ramp=ramp,
        connect_rate=connect_rate,
        size=size,
        warmup=warmup,
        drain=drain,
        deadline=deadline,
        tick=tick,
        poisson=poisson,
        pingpong=pingpong,
        processes=processes,
        connect_timeout=connect_timeout,
        seed=seed,
    )
    return perform(plan, json=json, runs_dir=runs_dir, quiet=quiet)
