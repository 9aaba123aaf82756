"""``surgewire chat``: messages to rooms, and who heard them."""

from typing import Any

from surgewire.cli import chat_options, options, sending_options
from surgewire.cli.connecting import CONNECTING
from surgewire.cli.groups import takes
from surgewire.cli.sending_options import SendingOptions

HELP = """\
Send messages into rooms and account for every delivery.

Opens the connections, spreads them evenly over rooms, joins, then sends at planned instants.
Of every message it is known who should hear it: delivered, lost, duplicated, reordered and
late are counted exactly, for each room and in total. Latency counts from the instant a
message was planned for. Users that come and go while messages flow are accounted for from
their join to their leave.

The server must hand each message, in whatever envelope, to all who are in its room. It needs
to know nothing of the tester: a marker of 52 letters and digits travels in the text.

\b
Rooms named by the URL:
  surgewire chat 'ws://127.0.0.1:8765/?room={{room}}&user={{user}}' \\
      --connections 10000 --rooms 100 --rate 0.2/s --duration 10m

\b
Rooms that are joined by a message:
  surgewire chat ws://127.0.0.1:8765/ --connections 1000 --rooms 20 \\
      --rate 1/s --join '{"type":"join","room":"{{room}}"}' \\
      --joined '"type":"joined"' \\
      --send '{"room":"{{room}}","text":"{{marker}} hello"}'

\b
Examples:
  surgewire chat 'ws://127.0.0.1:8765/?room={{room}}' --connections 1000 \\
      --rate 1/s --senders 1% --to others --size 64..4k
  surgewire chat 'ws://127.0.0.1:8765/?room={{room}}' --connections 1000 \\
      --rooms 50 --rate 0.1/s --duration 8h --reconnect 1s..30s --churn 5%/min

\b
Slots {{marker}} {{room}} {{user}} {{seq}} {{now_ms}} {{random:8}} {{padding}}
Units: durations 250ms 10s 1m30s, rates 500/s 0.2/s 30/m, sizes 64 64k 1m,
shares 10% 0.5%. `surgewire serve chat` is a server to try this on.
Ctrl-C drains and reports; a second Ctrl-C reports at once.
Exit codes: 0 all well, 1 the run could not be done, 2 wrong usage,
99 the server fell short, 130 interrupted.
"""


@takes(SendingOptions, *CONNECTING)
def chat(
    url: chat_options.Url,
    *,
    connections: sending_options.Connections = None,
    rooms: chat_options.Rooms = None,
    rate: chat_options.Rate = None,
    join: chat_options.Join = None,
    joined: chat_options.Joined = None,
    join_timeout: chat_options.JoinTimeout = None,
    send: chat_options.Send = None,
    to: chat_options.To = None,
    senders: chat_options.Senders = None,
    binary: chat_options.Binary = False,
    size: chat_options.Size = None,
    reconnect: chat_options.Reconnect = None,
    churn: chat_options.Churn = None,
    send_during_ramp: chat_options.SendDuringRamp = False,
    seed: chat_options.Seed = None,
    trace: chat_options.Trace = None,
    json: options.JsonFile = None,
    runs_dir: options.RunsDir = None,
    quiet: options.Quiet = False,
    given: dict[str, Any],
) -> int:
    """Run ``surgewire chat`` with the flags as they were written; return the exit code."""
    from surgewire.cli.job import make_plan, perform
    from surgewire.cli.places import check_trace

    plan = make_plan(
        **given,
        kind="chat",
        target=url,
        connections=connections,
        rooms=rooms,
        rate=rate,
        join=join,
        joined=joined,
        join_timeout=join_timeout,
        send=send,
        to=to,
        senders=senders,
        binary=binary,
        size=size,
        reconnect=reconnect,
        churn=churn,
        send_during_ramp=send_during_ramp,
        seed=seed,
        trace=None if trace is None else str(trace),
    )
    check_trace(trace)
    return perform(plan, json=json, runs_dir=runs_dir, quiet=quiet)
