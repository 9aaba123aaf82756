"""``surgewire doctor``: is this machine fit for a plan, and what is to be changed."""

import sys
from typing import TYPE_CHECKING

from surgewire.cli import doctor_options, options
from surgewire.errors import UsageError

if TYPE_CHECKING:
    from surgewire.plan.models import Plan

NOT_READY = 1

HELP = """\
Say whether this machine is ready for a run, and what to change if not.

Reads limits, settings and load of this machine, and measures in some seconds of echo on
loopback what one worker can generate here. Each finding says what was found, what it
should be for this run, the command that changes it, and what happens if not. Changes
nothing itself.

\b
Examples:
  surgewire doctor
  surgewire doctor --connections 60000 --rate 1/s
  surgewire doctor wss://example.com/ --connections 5000 --rate 0.2/s --rooms 50
  surgewire doctor --connections 60000 --source 192.0.2.10-192.0.2.13 --no-self-test

\b
Without a URL, the server is thought to be on another machine.
Exit codes: 0 ready, 1 not ready, 2 wrong usage, 130 interrupted.
"""

# Stand for a server elsewhere: addresses that belong to nobody (RFC 5737, RFC 3849).
_ELSEWHERE = "192.0.2.1"
_ELSEWHERE_6 = "[2001:db8::1]"


def doctor(
    url: doctor_options.Url = None,
    connections: doctor_options.Connections = "10000",
    rate: doctor_options.Rate = "1/s",
    size: doctor_options.Size = None,
    duration: doctor_options.Duration = "1m",
    tls: doctor_options.Tls = False,
    rooms: doctor_options.Rooms = None,
    source: doctor_options.Source = None,
    processes: doctor_options.Processes = None,
    no_self_test: doctor_options.NoSelfTest = False,
    runs_dir: options.RunsDir = None,
    json: doctor_options.Json = None,
    quiet: options.Quiet = False,
) -> int:
    """Run ``surgewire doctor`` with the flags as they were written; return the exit code."""
    from surgewire.cli.job import make_plan
    from surgewire.cli.output import write_json
    from surgewire.cli.places import STANDARD_OUTPUT, check_writable

    check_writable("--json", json)
    plan = make_plan(
        kind="echo" if rooms is None else "chat",
        target=_target(url, source, tls=tls, rooms=rooms),
        connections=connections,
        rate=rate,
        size=size,
        duration=duration,
        rooms=rooms,
        processes=processes,
        route=None if source is None else {"source": source},
    )
    from surgewire.checkup.perform import perform
    from surgewire.checkup.self_test import SECONDS
    from surgewire.report.doctor import print_examination

    if not (no_self_test or quiet):
        print(f"measuring echo on loopback, about {SECONDS} seconds", file=sys.stderr, flush=True)
    examination = perform(
        plan, elsewhere=url is None, runs_dir=runs_dir, self_test=not no_self_test
    )
    if not quiet and json != STANDARD_OUTPUT:
        print_examination(examination, _in_words(plan, url), sys.stdout)
    if json is not None:
        write_json(examination, json)
    return 0 if examination.ready else NOT_READY


def _target(url: str | None, source: str | None, *, tls: bool, rooms: str | None) -> str:
    if url is None:
        host = _ELSEWHERE_6 if source and ":" in source else _ELSEWHERE
        return f"{'wss' if tls else 'ws'}://{host}/{'?room={{room}}' if rooms else ''}"
    if tls and not url.startswith("wss:"):
        raise UsageError(f"--tls and {url.partition(':')[0]}:// disagree; write the URL as wss://")
    return url


def _in_words(plan: "Plan", url: str | None) -> str:
    from surgewire.plan.models import ChatPlan, EchoPlan, SendingPlan
    from surgewire.plan.units import format_duration, format_rate

    told = f"{plan.connections:,} connections"
    told += f" in {plan.rooms:,} rooms" if isinstance(plan, ChatPlan) else ""
    if isinstance(plan, SendingPlan) and plan.rate is not None:
        told += f", {format_rate(plan.rate)} each, for {format_duration(plan.duration_ns)}"
    told += f", {plan.size_bytes:,} bytes" if isinstance(plan, EchoPlan) else ""
    told += f", {plan.processes} processes"
    told += ", wss" if plan.target.secure else ""
    return told + (", to a server elsewhere" if url is None else f", to {plan.target.host}")
