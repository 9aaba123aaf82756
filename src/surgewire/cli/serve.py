"""``surgewire serve``: the embedded targets."""

from pathlib import Path

import typer

from surgewire.cli import serve_chat_options, serve_options
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


ECHO_HELP = """\
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


CHAT_HELP = """\
Hand every message to all who are in the room of its sender, the sender too.

The room is that of the URL, ws://…/?room=lobby, or the one that a join message names:
{"type":"join","room":"lobby"}, which is answered with {"type":"joined","room":"lobby"}.
Everything else that a member sends is relayed unchanged.

The server can do wrong on request, and writes down what it did to which message for which
member, so that what a tester reports can be compared with it.

Prints the line "listening on ws://…" when it is ready, and serves until Ctrl-C.

\b
Examples:
  surgewire serve chat
  surgewire serve chat --drop 1% --truth truth.csv
  surgewire serve chat --reorder 0.5% --duplicate 0.5% --delay 5ms --seed 7
  surgewire serve chat --cut 1%/min --stall 1s/10s
"""


@serve_app.command(help=ECHO_HELP)
def echo(
    host: serve_options.Host = None,
    port: serve_options.Port = None,
    processes: serve_options.Processes = None,
    delay: serve_options.Delay = None,
    delay_distribution: serve_options.DelayDistribution = None,
    stall: serve_options.Stall = None,
    deflate: serve_options.Deflate = False,
    truth: serve_options.Truth = None,
    seed: serve_options.Seed = None,
) -> int:
    """Run ``surgewire serve echo`` until it is stopped; return the exit code."""
    from surgewire.cli.target_config import make_echo_target

    config = make_echo_target(
        delay,
        delay_distribution,
        host=host,
        port=port,
        processes=processes,
        stall=stall,
        deflate=deflate,
        truth=truth,
        seed=seed,
    )
    _check_truth(truth)
    from surgewire.targets.echo import serve

    serve(config)
    return 0


@serve_app.command(help=CHAT_HELP)
def chat(
    host: serve_options.Host = None,
    port: serve_options.Port = None,
    delay: serve_options.Delay = None,
    delay_distribution: serve_options.DelayDistribution = None,
    stall: serve_options.Stall = None,
    drop: serve_chat_options.Drop = None,
    duplicate: serve_chat_options.Duplicate = None,
    reorder: serve_chat_options.Reorder = None,
    damage: serve_chat_options.Damage = None,
    cut: serve_chat_options.Cut = None,
    max_backlog: serve_chat_options.MaxBacklog = None,
    truth: serve_chat_options.Truth = None,
    seed: serve_chat_options.Seed = None,
) -> int:
    """Run ``surgewire serve chat`` until it is stopped; return the exit code."""
    from surgewire.cli.target_config import make_chat_target

    config = make_chat_target(
        delay,
        delay_distribution,
        host=host,
        port=port,
        stall=stall,
        drop=drop,
        duplicate=duplicate,
        reorder=reorder,
        damage=damage,
        cut=cut,
        max_backlog=max_backlog,
        truth=truth,
        seed=seed,
    )
    _check_truth(truth)
    from surgewire.targets.chat import serve

    serve(config)
    return 0


def _check_truth(truth: Path | None) -> None:
    """Raise UsageError where the truth could not be written."""
    from surgewire.cli.places import STANDARD_OUTPUT, check_writable

    if truth == STANDARD_OUTPUT:
        raise UsageError("--truth: - is no file; write the name of one")
    check_writable("--truth", truth)
