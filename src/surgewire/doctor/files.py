"""File descriptors: of a process, and of the whole system."""

from surgewire.doctor.demand import Demand, counted
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine
from surgewire.plan.fields import MAX_PROCESSES

# What a worker opens beside its connections: loop, timers, control, name resolution.
_SPARE_FILES = 64
# What the supervisor holds of each worker: a control socket and a pidfd.
_FILES_PER_WORKER = 2

_UNLIMITED = 1 << 40


def files_needed(demand: Demand, machine: Machine) -> int:
    """Return how many descriptors the supervisor or the largest worker needs."""
    return max(_of_a_worker(demand, machine), _of_the_supervisor(demand, machine))


def check_files(demand: Demand, machine: Machine) -> Finding:
    """Hold the hard limit against what the fullest process needs."""
    hard = machine.hard_files
    found = f"hard limit {_limit(hard)}"
    if machine.soft_files != hard:
        found += f", soft limit {_limit(machine.soft_files)}"
    watching = _of_the_supervisor(demand, machine)
    if demand.processes > 1 and watching > hard:
        wanted = f"{watching:,} to watch {counted(demand.processes, 'process')}"
        return _too_few(watching, machine, found, wanted, "use a lower `--processes`")
    needed = _of_a_worker(demand, machine)
    wanted = (
        f"{needed:,} in a process, for {counted(demand.connections, 'connection')} over "
        f"{counted(demand.processes, 'process')}"
    )
    if needed > hard:
        return _too_few(needed, machine, found, wanted, _more_processes(demand, machine))
    return ok("open_files", found, wanted)


def check_system_files(demand: Demand, machine: Machine) -> Finding:
    """Hold the files that the whole system may open against what this run adds."""
    numbers = machine.root.numbers("proc/sys/fs/file-nr")
    needed = demand.ends + demand.processes * _SPARE_FILES
    wanted = f"room for {needed:,} more"
    if len(numbers) < 3:
        return unknown("system_files", wanted=wanted)
    taken, most = numbers[0], numbers[2]
    if most > _UNLIMITED:
        return ok("system_files", f"{taken:,} open, no limit", wanted)
    found = f"{taken:,} open of {most:,} in the whole system"
    if taken + needed <= most:
        return ok("system_files", found, wanted)
    return Finding(
        "system_files",
        # The kernel lets root go beyond.
        Status.WARN if machine.superuser else Status.FAIL,
        found,
        wanted,
        machine.sudo(f"sysctl -w fs.file-max={2 * (taken + needed)}"),
        "",
        "connections, and whatever else runs here, cannot open files",
    )


def _of_a_worker(demand: Demand, machine: Machine) -> int:
    users = -(-demand.connections // demand.processes)
    return users + _SPARE_FILES + machine.open_files


def _of_the_supervisor(demand: Demand, machine: Machine) -> int:
    return _FILES_PER_WORKER * demand.processes + _SPARE_FILES + machine.open_files


def _too_few(needed: int, machine: Machine, found: str, wanted: str, advice: str) -> Finding:
    command = machine.sudo(f"prlimit --pid $$ --nofile={needed}:{needed}")
    ceiling = machine.root.number("proc/sys/fs/nr_open")
    if ceiling is not None and needed > ceiling:
        command = f"{machine.sudo(f'sysctl -w fs.nr_open={needed}')} && {command}"
    return Finding(
        "open_files",
        Status.FAIL,
        found,
        wanted,
        command,
        advice,
        "the run is refused: connections would fail as local_fd_limit",
    )


def _more_processes(demand: Demand, machine: Machine) -> str:
    room = machine.hard_files - _SPARE_FILES - machine.open_files
    processes = -(-demand.connections // room) if room > 0 else MAX_PROCESSES + 1
    if processes > MAX_PROCESSES or _FILES_PER_WORKER * processes > room:
        return ""
    return f"use `--processes {processes}`"


def _limit(files: int) -> str:
    return "none" if files > _UNLIMITED else f"{files:,}"
