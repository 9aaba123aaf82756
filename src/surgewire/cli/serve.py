"""``surgewire serve``: the embedded targets."""

import typer

from surgewire.cli import serve_options
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
    host: serve_options.Host = None,
    port: serve_options.Port = None,
    processes: serve_options.Processes = None,
    delay: serve_options.Delay = None,
    delay_distribution: serve_options.DelayDistribution = None,
    stall: serve_options.Stall = None,
    truth: serve_options.Truth = None,
    seed: serve_options.Seed = None,
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
