"""Does a plan fit this machine: the doctor's quick form, before anything starts."""

import resource
from dataclasses import dataclass
from pathlib import Path

from surgewire.doctor.demand import Demand
from surgewire.doctor.examine import quick
from surgewire.doctor.files import files_needed
from surgewire.doctor.finding import Status
from surgewire.doctor.machine import Machine
from surgewire.engine.rundir import RUNS_DIR
from surgewire.engine.way.sources import can_spread, source_addresses
from surgewire.engine.windows import ledger_bytes
from surgewire.errors import SurgewireError
from surgewire.plan.models import ChatPlan, ConnectPlan, Plan, SendingPlan

_NS_PER_S = 1_000_000_000


class LimitError(SurgewireError):
    """This machine does not allow what the plan takes; the message names the command that helps."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """How a plan fits the machine."""

    files: int
    """Descriptors that the supervisor or the largest worker needs."""
    sources: tuple[str, ...]
    """Addresses to connect from; empty when the system's own choice will do."""
    notes: tuple[str, ...]
    """What is no reason to refuse but worth a word."""


def check_limits(plan: Plan, machine: Machine, runs_dir: Path | None = None) -> Fitness:
    """Hold `plan` against `machine`; raise LimitError when it does not fit."""
    demand = demand_of(plan, machine, runs_dir)
    findings = quick(demand, machine)
    for finding in findings:
        if finding.status is Status.FAIL:
            raise LimitError(finding.line())
    sources = source_addresses(plan, machine.ports)
    notes = [finding.line() for finding in findings if finding.status is Status.WARN]
    return Fitness(files_needed(demand, machine), sources, (*_spread_notes(sources), *notes))


def demand_of(plan: Plan, machine: Machine, runs_dir: Path | None = None) -> Demand:
    """Tell what a run of `plan`, kept below `runs_dir`, asks of `machine`."""
    sent_per_s, heard_per_s = _messages_per_s(plan)
    return Demand(
        connections=plan.connections,
        processes=plan.processes,
        paths=_paths(source_addresses(plan, machine.ports)),
        host=plan.target.host,
        local=can_spread(plan.target.host) or plan.target.host == "::1",
        secure=plan.target.secure,
        books_bytes=ledger_bytes(plan),
        sent_per_s=sent_per_s,
        heard_per_s=heard_per_s,
        connect_per_s=_connect_per_s(plan),
        duration_s=_duration_ns(plan) / _NS_PER_S,
        runs_dir=runs_dir or Path(RUNS_DIR),
        connections_option=plan.OPTIONS.get("connections", "--connections"),
    )


def raise_file_limit(files: int) -> None:
    """Raise this process's soft limit of descriptors to `files`, where it is lower.

    No further than needed, because some programs walk over all descriptors that they might have.
    Raises LimitError when the system refuses.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= files:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    except (ValueError, OSError) as error:
        raise LimitError(
            f"the limit of open files cannot be raised from {soft} to {files} ({error}); "
            f"run `ulimit -n {files}` first"
        ) from error


def _paths(sources: tuple[str, ...]) -> int:
    """Return how many pairs of a source and a target address the connections are spread over."""
    return max(len(sources), 1)


def _messages_per_s(plan: Plan) -> tuple[float, float]:
    """Return how many messages all users send, and how many they hear, in a second."""
    if not isinstance(plan, SendingPlan) or plan.rate is None:
        return 0.0, 0.0
    sent = plan.senders * plan.rate.per_s
    hears = plan.connections / plan.rooms if isinstance(plan, ChatPlan) else 1
    return sent, sent * hears


def _connect_per_s(plan: Plan) -> float:
    """Return the highest rate of first attempts; all within a second where there is no ramp."""
    rates = [rate.per_s for rate in (plan.connect_rate, plan.connect_rate_end) if rate is not None]
    span_s = max(plan.connect_span_ns / _NS_PER_S, 1.0)
    return max(rates, default=plan.connections / span_s)


def _duration_ns(plan: Plan) -> int:
    after = plan.hold_ns if isinstance(plan, ConnectPlan) else 0
    if isinstance(plan, SendingPlan):
        after = plan.warmup_ns + plan.duration_ns + plan.drain_ns
    return plan.connect_span_ns + after


def _spread_notes(sources: tuple[str, ...]) -> tuple[str, ...]:
    if not sources:
        return ()
    return (
        f"one address has too few ports for all connections: connecting from {len(sources)} "
        f"addresses, {sources[0]} to {sources[-1]}",
    )
