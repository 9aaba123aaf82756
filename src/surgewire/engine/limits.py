"""Is this machine fit for the plan: found out before anything starts, said with what helps."""

import resource
from dataclasses import dataclass

from surgewire.engine.machine import Machine
from surgewire.engine.way.sources import can_spread, ports_per_source, source_addresses
from surgewire.engine.windows import ledger_bytes
from surgewire.errors import SurgewireError
from surgewire.plan.fields import MAX_PROCESSES
from surgewire.plan.models import Plan

# What a worker opens beside its connections: loop, timers, control, name resolution.
_SPARE_FILES = 64
# What the supervisor holds of each worker: a control socket and a pidfd.
_FILES_PER_WORKER = 2

# Rough needs on Linux: enough for a warning, never a reason to refuse.
_WORKER_BYTES = 40 << 20
_CONNECTION_BYTES = 8 << 10
_SECURE_CONNECTION_BYTES = 64 << 10


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


def check_limits(plan: Plan, machine: Machine) -> Fitness:
    """Hold `plan` against `machine`; raise LimitError when it does not fit."""
    files = _check_files(plan, machine)
    _check_ports(plan, machine)
    sources = source_addresses(plan, machine.ports)
    notes = [note for note in (_spread_note(sources), _memory_note(plan, machine)) if note]
    return Fitness(files, sources, tuple(notes))


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


def _check_files(plan: Plan, machine: Machine) -> int:
    spare = _SPARE_FILES + machine.open_files
    hard = machine.hard_files
    for_users = -(-plan.connections // plan.processes) + spare
    for_workers = _FILES_PER_WORKER * plan.processes + spare
    if plan.processes > 1 and for_workers > hard:
        raise LimitError(
            f"{plan.processes} processes need {for_workers} open files to be watched, but "
            f"this system's hard limit is {hard}; use a lower `--processes`, or raise the limit "
            f"with {_ulimit(for_workers)}"
        )
    if for_users > hard:
        raise LimitError(
            f"{plan.connections} connections over {_count(plan.processes)} need "
            f"{for_users} open files in each, but this system's hard limit is {hard}; "
            f"{_more_processes(plan, hard - spare)}raise the limit with {_ulimit(for_users)}"
        )
    return max(for_users, for_workers)


def _more_processes(plan: Plan, room: int) -> str:
    processes = -(-plan.connections // room) if room > 0 else MAX_PROCESSES + 1
    if processes > MAX_PROCESSES or _FILES_PER_WORKER * processes > room:
        return ""
    return f"use `--processes {processes}`, or "


def _ulimit(files: int) -> str:
    return f"`ulimit -n {files}` as root"


def _check_ports(plan: Plan, machine: Machine) -> None:
    each = ports_per_source(machine.ports)
    if plan.connections <= each or can_spread(plan.target.host):
        return
    low, high = machine.ports
    widest = ports_per_source((1024, 65_535))
    if plan.connections <= widest:
        advice = 'widen it with `sysctl -w net.ipv4.ip_local_port_range="1024 65535"`'
    else:
        option = plan.OPTIONS.get("connections", "--connections")
        advice = f"no range gives more than {widest}: use `{option} {widest}` or more machines"
    raise LimitError(
        f"{plan.connections} connections to {plan.target.host} need as many local ports, but the "
        f"system's range {low}-{high} gives {each}; {advice}"
    )


def _spread_note(sources: tuple[str, ...]) -> str | None:
    if not sources:
        return None
    return (
        f"one address has too few ports for all connections: connecting from {len(sources)} "
        f"addresses, {sources[0]} to {sources[-1]}"
    )


def _memory_note(plan: Plan, machine: Machine) -> str | None:
    each = _SECURE_CONNECTION_BYTES if plan.target.secure else _CONNECTION_BYTES
    expected = plan.connections * each + plan.processes * _WORKER_BYTES + ledger_bytes(plan)
    if expected <= machine.available_bytes:
        return None
    return (
        f"this run is expected to take about {_mebibytes(expected)} of memory, but only "
        f"{_mebibytes(machine.available_bytes)} are available"
    )


def _mebibytes(size: int) -> str:
    return f"{-(-size // (1 << 20))} MiB"


def _count(processes: int) -> str:
    return "1 process" if processes == 1 else f"{processes} processes"
