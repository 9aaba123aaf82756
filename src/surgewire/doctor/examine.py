"""The examination: the quick form that every run begins with, and the whole of it."""

from collections.abc import Callable

from surgewire.doctor.clocks import check_clock_source, check_timer_slack
from surgewire.doctor.cores import check_cores, check_governor, check_processes
from surgewire.doctor.demand import Demand
from surgewire.doctor.disk import check_disk
from surgewire.doctor.files import check_files, check_system_files
from surgewire.doctor.finding import Finding
from surgewire.doctor.load import OtherLoad, check_load
from surgewire.doctor.machine import Machine
from surgewire.doctor.memory import check_memory, check_swap
from surgewire.doctor.network import check_accept_queue, check_conntrack, check_socket_memory
from surgewire.doctor.ports import check_ports
from surgewire.doctor.versions import check_versions

Check = Callable[[Demand, Machine], Finding]

# The first that fails is what a refused run says, so those with the clearest remedy come first.
_QUICK: tuple[Check, ...] = (
    check_files,
    check_system_files,
    check_ports,
    check_processes,
    check_accept_queue,
    check_socket_memory,
    check_conntrack,
    check_cores,
    check_governor,
    check_clock_source,
    check_timer_slack,
    check_memory,
    check_disk,
)


def quick(demand: Demand, machine: Machine) -> tuple[Finding, ...]:
    """Look at what can be read at once: some thirty small files."""
    return tuple(check(demand, machine) for check in _QUICK)


def examine(demand: Demand, machine: Machine, load: OtherLoad | None) -> tuple[Finding, ...]:
    """Look at all that there is; `load` is that of the moment before.

    Swap in use, other work and versions are left out of the quick form: what they do to a run,
    its report tells better by its doubts.
    """
    return (
        *quick(demand, machine),
        check_swap(demand, machine),
        check_load(load, demand, machine.cpus),
        check_versions(),
    )
