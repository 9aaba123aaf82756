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
from surgewire.engine.way.sockets import missing_options
from surgewire.engine.way.sources import can_spread, check_sources, paths_of, source_addresses
from surgewire.engine.windows import ledger_bytes
from surgewire.errors import SurgewireError, UsageError
from surgewire.plan.models import ChatPlan, ConnectPlan, Plan, SendingPlan
from surgewire.plan.way.route_checks import first_hop

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
    """Hold `plan` against `machine`; raise LimitError when it does not fit.

    Raises UsageError where the plan names what this machine does not have.
    """
    _check_options(plan)
    sources = source_addresses(plan, machine.ports)
    check_sources(plan, sources)
    demand = demand_of(plan, machine, runs_dir)
    findings = quick(demand, machine)
    for finding in findings:
        if finding.status is Status.FAIL:
            raise LimitError(finding.line())
    notes = [finding.line() for finding in findings if finding.status is Status.WARN]
    return Fitness(files_needed(demand, machine), sources, (*_route_notes(plan, sources), *notes))


def demand_of(plan: Plan, machine: Machine, runs_dir: Path | None = None) -> Demand:
    """Tell what a run of `plan`, kept below `runs_dir`, asks of `machine`."""
    sent_per_s, heard_per_s = _messages_per_s(plan)
    host, _ = first_hop(plan)
    return Demand(
        connections=plan.connections,
        processes=plan.processes,
        paths=paths_of(plan, source_addresses(plan, machine.ports)),
        host=host,
        local=bool(plan.target.unix_path) or can_spread(host) or host == "::1",
        secure=plan.target.secure,
        books_bytes=ledger_bytes(plan) + plan.connections * plan.deflate.stream_bytes,
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


def _check_options(plan: Plan) -> None:
    if missing := missing_options(plan.sockets):
        raise UsageError(f"this system has no {missing[0]}; leave the option out that needs it")


def _messages_per_s(plan: Plan) -> tuple[float, float]:
    """Return how many messages all users send, and how many they hear, in a second."""
    if not isinstance(plan, SendingPlan) or plan.rate is None:
        return 0.0, 0.0
    sent = plan.senders * plan.rate.per_s
    hears = plan.connections / plan.rooms if isinstance(plan, ChatPlan) else 1
    return sent, sent * hears


def _connect_per_s(plan: Plan) -> float:
    """Return the highest rate of first attempts; what comes at once counts as within a second."""
    if isinstance(plan, ConnectPlan) and plan.surges is not None:
        return plan.surges.planned_by(_NS_PER_S)
    rates = [rate.per_s for rate in (plan.connect_rate, plan.connect_rate_end) if rate is not None]
    span_s = max(plan.connect_span_ns / _NS_PER_S, 1.0)
    return max(rates, default=plan.connections / span_s)


def _duration_ns(plan: Plan) -> int:
    after = plan.hold_ns if isinstance(plan, ConnectPlan) else 0
    if isinstance(plan, SendingPlan):
        after = plan.warmup_ns + plan.duration_ns + plan.drain_ns
    return plan.connect_span_ns + after


def _route_notes(plan: Plan, sources: tuple[str, ...]) -> tuple[str, ...]:
    """Say by which way connections go, where that is not the straight one."""
    via = plan.route.via
    notes = () if via is None else (f"connecting through the proxy {via.public_url}",)
    if not sources:
        return notes
    count = len(sources)
    where = f"connecting from {count} addresses, {sources[0]} to {sources[-1]}"
    if plan.route.source is None:
        return (*notes, f"one address has too few ports for all connections: {where}")
    return (*notes, where if count > 1 else f"connecting from {sources[0]}")
