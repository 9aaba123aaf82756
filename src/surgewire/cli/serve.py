"""``surgewire serve``: the embedded targets."""

from pathlib import Path
from typing import Annotated

import typer

from surgewire.errors import UsageError

serve_app = typer.Typer(
    name="serve",
    rich_markup_mode=None,
    invoke_without_command=True,
    help="Run a server to test against.",
)


@serve_app.callback()
def _serve(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())


HELP = """\
Answer every message with itself.

A server to try things on. It stands on the same native frame codec as the tester, so that it
is not what is measured. It can be slow and stand still on request.

Prints the line "listening on ws://…" when it is ready, and serves until Ctrl-C.

\b
Examples:
  surgewire serve echo
  surgewire serve echo --port 9000 --processes 2
  surgewire serve echo --delay-distribution exponential:5ms --truth truth
  surgewire serve echo --stall 1s/10s
"""


@serve_app.command(help=HELP)
def echo(
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen. [default: 127.0.0.1]"),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option(metavar="PORT", help="0 takes a free one. [default: 8765]"),
    ] = None,
    processes: Annotated[
        str | None, typer.Option(metavar="N", help="Processes that share the port. [default: 1]")
    ] = None,
    delay: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Hold every answer back this long, as 2ms."),
    ] = None,
    delay_distribution: Annotated[
        str | None,
        typer.Option(
            metavar="DISTRIBUTION",
            help="Hold answers back by chance: fixed:2ms, exponential:5ms (the mean), or "
            "mix:1ms@99,50ms@1 (delays with weights).",
        ),
    ] = None,
    stall: Annotated[
        str | None,
        typer.Option(
            metavar="LENGTH/PERIOD", help="1s/10s: every 10 s, do nothing at all for 1 s."
        ),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write a line for each message: when it came, when its answer left.",
        ),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(metavar="N", help="Seed of the delays. [default: 1]"),
    ] = None,
) -> int:
    """Run ``surgewire serve echo`` until it is stopped; return the exit code."""
    from surgewire.cli.places import STANDARD_OUTPUT, check_writable
    from surgewire.cli.target_config import make_echo_target

    config = make_echo_target(
        delay,
        delay_distribution,
        host=host,
        port=port,
        processes=processes,
        stall=stall,
        truth=truth,
        seed=seed,
    )
    if truth == STANDARD_OUTPUT:
        raise UsageError("--truth: - is no file; write the name of one")
    check_writable("--truth", truth)
    from surgewire.targets.echo import serve

    serve(config)
    return 0
