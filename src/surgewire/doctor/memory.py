"""Memory: what a run is expected to take, what there is, and what happens when it runs short."""

from surgewire.doctor import cgroup
from surgewire.doctor.demand import Demand, mebibytes
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine
from surgewire.doctor.root import whole

# Rough needs on Linux: enough for a warning, never a reason to refuse.
_WORKER_BYTES = 40 << 20
_CONNECTION_BYTES = 8 << 10
_SECURE_CONNECTION_BYTES = 64 << 10

_KIB = 1 << 10


def memory_needed_bytes(demand: Demand) -> int:
    """Return about how much memory the workers of a run take together."""
    each = _SECURE_CONNECTION_BYTES if demand.secure else _CONNECTION_BYTES
    return demand.connections * each + demand.processes * _WORKER_BYTES + demand.books_bytes


def check_memory(demand: Demand, machine: Machine) -> Finding:
    """Hold the memory that can be had against what the run is expected to take."""
    expected = memory_needed_bytes(demand)
    room = cgroup.memory_room_bytes(machine.root)
    available = machine.available_bytes
    found = f"{mebibytes(available)} available"
    if room is not None and room < available:
        available = room
        found = f"{mebibytes(room)} left of what this control group may take"
    wanted = f"about {mebibytes(expected)} for this run"
    if expected <= available:
        return ok("memory", found, wanted)
    return Finding(
        "memory",
        Status.WARN,
        found,
        wanted,
        None,
        f"use a lower `{demand.connections_option}`, or a machine or container with more memory",
        "the system swaps, or kills a worker with all its connections",
    )


def check_swap(demand: Demand, machine: Machine) -> Finding:
    """Find swap that is in use, or would be."""
    told = machine.root.fields("proc/meminfo")
    total, free = _kibibytes(told, "SwapTotal"), _kibibytes(told, "SwapFree")
    if total is None or free is None:
        return unknown("swap")
    if total == 0:
        return ok("swap", "none", "none, or none in use")
    used = total - free
    found = f"{mebibytes(used)} in use of {mebibytes(total)}"
    if memory_needed_bytes(demand) <= machine.available_bytes and not used:
        return ok("swap", found, "none, or none in use")
    return Finding(
        "swap",
        Status.WARN,
        found,
        "none, or none in use",
        machine.sudo("swapoff -a"),
        "",
        "a worker waits milliseconds for a page, and its latencies with it",
    )


def _kibibytes(told: dict[str, str], name: str) -> int | None:
    number = whole(told.get(name, "").partition(" ")[0])
    return None if number is None else number * _KIB
