"""``surgewire demo``: a target and a run against it, on this machine."""

from typing import Annotated

import typer

from surgewire.cli import options

HELP = """\
Run 10,000 connections against a server started here.

Starts the embedded echo server in a process of its own, connects within 10 seconds, sends
one message a second on each connection for 30 seconds, shows the report, and stops
the server. Takes about 45 seconds.

\b
Examples:
  surgewire demo
  surgewire demo --connections 500 --duration 5s
"""


def demo(
    connections: Annotated[
        str,
        typer.Option(metavar="N", help="Connections, fewer where the system allows fewer."),
    ] = "10000",
    duration: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to send and count.")
    ] = "30s",
    runs_dir: options.RunsDir = None,
) -> int:
    """Run ``surgewire demo``; return the exit code."""
    from surgewire.cli.job import make_plan, perform
    from surgewire.targets.spawned import most_connections, spawned_echo

    flags = {"kind": "echo", "rate": "1/s", "duration": duration}
    # Against any address, to refuse what is wrong before the server is started.
    wanted = make_plan(**flags, target="ws://127.0.0.1/", connections=connections).connections
    possible = min(wanted, most_connections())
    print("This is a demonstration on this machine alone; nothing leaves it.")
    if possible < wanted:
        print(
            f"One process may open too few files here for {wanted:,} connections, so there will "
            f"be {possible:,}.\n`ulimit -n {wanted + 500}` as root, then again, gives all of them."
        )
    with spawned_echo() as url:
        print(f"An echo server now listens at {url} in a process of its own.")
        plan = make_plan(**flags, target=url, connections=possible)
        print(
            f"{possible:,} users connect, then each sends one message a second for {duration}.\n"
            "The server sends each message back to its sender, and we account for every one.\n"
            f"The same by hand:\n"
            f"  surgewire serve echo\n"
            f"  surgewire echo ws://127.0.0.1:8765/ --connections {possible} --rate 1/s "
            f"--duration {duration}\n",
            flush=True,
        )
        return perform(plan, json=None, runs_dir=runs_dir, quiet=False)
