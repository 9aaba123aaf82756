"""What every run has: its processes, pings, and what is watched beside it."""

from typing import Annotated

import typer

from surgewire.cli.groups import OptionGroup


class RunOptions(OptionGroup):
    """What every run has."""

    processes: Annotated[
        str | None,
        typer.Option(metavar="N", help="Worker processes. [default: one per core]"),
    ] = None
    ping: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Ping every connection this often; one that does not answer in time is closed "
            "as timeout_ping.",
        ),
    ] = None
    ping_timeout: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="How long to wait for the answer to a ping. [default: as --ping, 20s at most]",
        ),
    ] = None
    target_pid: Annotated[
        str | None,
        typer.Option(
            metavar="PID",
            help="Process of the server on this machine: its CPU and memory are recorded as well.",
        ),
    ] = None
