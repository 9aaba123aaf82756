"""``surgewire connect``: how fast a server takes connections."""

from typing import Annotated, Any

import typer

from surgewire.cli import options
from surgewire.cli.connecting import CONNECTING
from surgewire.cli.groups import takes

HELP = """\
Measure how fast a server takes connections.

Attempts connections at planned instants, however slowly the server accepts, and reports
the time of each phase (DNS, TCP, TLS, upgrade), the connections per second that were
reached, and errors by kind. Sends no messages.

\b
Examples:
  surgewire connect ws://127.0.0.1:8765/ --rate 500/s --total 10000
  surgewire connect wss://example.com/ --rate 50..500/s --total 5000

\b
Units: durations 250ms 10s 1m30s, rates 500/s 0.2/s 30/m.
Ctrl-C stops and reports; a second Ctrl-C reports at once.
Exit codes: 0 all well, 1 the run could not be done, 2 wrong usage,
99 the server fell short, 130 interrupted.
"""


@takes(*CONNECTING)
def connect(
    url: options.Url,
    *,
    rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE",
            help="Connects per time, all workers together: 500/s, or 50/s..500/s to climb. "
            "Required.",
        ),
    ] = None,
    total: Annotated[
        str | None, typer.Option(metavar="N", help="Connections to attempt. Required.")
    ] = None,
    hold: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Keep all open this long when every attempt has its outcome. [default: 0s]",
        ),
    ] = None,
    json: options.JsonFile = None,
    runs_dir: options.RunsDir = None,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> int:
    """Run ``surgewire connect`` with the flags as they were written; return the exit code."""
    from surgewire.cli.job import make_plan, perform

    plan = make_plan(
        **given,
        kind="connect",
        target=url,
        connections=total,
        connect_rate=rate,
        hold=hold,
    )
    return perform(plan, json=json, runs_dir=runs_dir, quiet=quiet)
