"""``surgewire connect``: how fast a server takes connections."""

from pathlib import Path
from typing import Any

from surgewire.cli import connect_options as own
from surgewire.cli import options
from surgewire.cli.connecting import CONNECTING
from surgewire.cli.groups import takes
from surgewire.errors import UsageError

HELP = """\
Measure how fast a server takes connections.

Attempts connections at planned instants, however slowly the server accepts, and reports
the time of each phase (DNS, TCP, TLS, upgrade), the connections per second that were
reached, the backlog, and errors by kind. Sends no messages.

\b
Examples:
  surgewire connect ws://127.0.0.1:8765/ --rate 500/s --total 10000
  surgewire connect wss://example.com/ --rate 50..500/s --total 5000
  surgewire connect ws://127.0.0.1:8765/ --waves 5x2000/10s --hold 10s
  surgewire connect ws://127.0.0.1:8765/ --storm 2000 --reconnect-storm 20%
  surgewire connect ws://127.0.0.1:8765/ --find-rate --p99 100ms

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
    rate: own.Rate = None,
    total: own.Total = None,
    storm: own.Storm = None,
    waves: own.Waves = None,
    hold: own.Hold = None,
    until_message: own.UntilMessage = False,
    reconnect_storm: own.ReconnectStorm = None,
    reconnect: own.Reconnect = None,
    return_timeout: own.ReturnTimeout = None,
    seed: own.Seed = None,
    find_rate: own.FindRate = False,
    p99: own.P99 = None,
    step: own.Step = None,
    json: options.JsonFile = None,
    runs_dir: options.RunsDir = None,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> int:
    """Run ``surgewire connect`` with the flags as they were written; return the exit code."""
    flags = given | {
        "target": url,
        "connections": total,
        "connect_rate": rate,
        "storm": storm,
        "waves": waves,
        "hold": hold,
        "until_message": until_message or None,
        "reconnect_storm": reconnect_storm,
        "reconnect": reconnect,
        "return_timeout": return_timeout,
        "seed": seed,
    }
    if find_rate:
        return _find(flags, p99, step, json, runs_dir, quiet=quiet)
    for option, value in (("--p99", p99), ("--step", step)):
        if value is not None:
            raise UsageError(f"{option} is about --find-rate; write both, or leave it out")
    from surgewire.cli.job import make_plan, perform

    plan = make_plan(**flags, kind="connect")
    return perform(plan, json=json, runs_dir=runs_dir, quiet=quiet)


def _find(
    flags: dict[str, Any],
    p99: str | None,
    step: str | None,
    json: Path | None,
    runs_dir: Path | None,
    *,
    quiet: bool,
) -> int:
    from surgewire.cli.search import make_find_plan, search

    return search(
        make_find_plan(flags, p99=p99, step=step), json=json, runs_dir=runs_dir, quiet=quiet
    )
