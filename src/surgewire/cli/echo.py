"""``surgewire echo``: messages to a server that sends them back."""

from typing import Any

from surgewire.cli import echo_options, options, sending_options
from surgewire.cli.connecting import CONNECTING
from surgewire.cli.groups import takes
from surgewire.cli.sending_options import SendingOptions

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


@takes(SendingOptions, *CONNECTING)
def echo(
    url: options.Url,
    *,
    connections: sending_options.Connections = None,
    rate: echo_options.Rate = None,
    size: echo_options.Size = None,
    pingpong: echo_options.Pingpong = False,
    seed: echo_options.Seed = None,
    json: options.JsonFile = None,
    runs_dir: options.RunsDir = None,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> int:
    """Run ``surgewire echo`` with the flags as they were written; return the exit code."""
    from surgewire.cli.job import make_plan, perform

    plan = make_plan(
        **given,
        kind="echo",
        target=url,
        connections=connections,
        rate=rate,
        size=size,
        pingpong=pingpong,
        seed=seed,
    )
    return perform(plan, json=json, runs_dir=runs_dir, quiet=quiet)
