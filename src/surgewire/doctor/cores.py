"""Cores: how many there are, how fast they run, and who else is on them."""

from surgewire.doctor import cgroup
from surgewire.doctor.demand import Demand, counted
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine

_GOVERNORS = "sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
_DRIVER = "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"
# These drivers raise the clock by themselves, whatever their governor is called.
_SELF_WILLED = frozenset({"intel_pstate", "amd-pstate-epp"})
_STEADY = frozenset({"performance", "schedutil"})


def check_cores(demand: Demand, machine: Machine) -> Finding:
    """Hold the cores that may be used against the processes."""
    wanted = f"one for each of {counted(demand.processes, 'process')}"
    if not machine.cpus:
        return unknown("cores", wanted=wanted)
    found, usable = counted(machine.cpus, "core"), float(machine.cpus)
    quota = cgroup.cpu_quota(machine.root)
    if quota is not None and quota < usable:
        usable = quota
        found += f", but a control group allows the time of {quota:g}"
    if demand.processes <= usable:
        return ok("cores", found, wanted)
    return Finding(
        "cores",
        Status.WARN,
        found,
        wanted,
        None,
        f"use `--processes {max(int(usable), 1)}`, or a machine or container with more cores",
        "workers wait for each other, and stand still where a group's time is used up",
    )


def check_processes(demand: Demand, machine: Machine) -> Finding:
    """Hold the processes that a control group allows against those of the run."""
    room = cgroup.process_room(machine.root)
    wanted = f"{demand.processes:,} more"
    if room is None:
        return ok("processes", "no limit by a control group", wanted)
    found = f"room for {room:,} more in this control group"
    if demand.processes <= room:
        return ok("processes", found, wanted)
    return Finding(
        "processes",
        Status.FAIL,
        found,
        wanted,
        None,
        "use a lower `--processes`, or raise `pids.max` (TasksMax= of a service, --pids-limit of "
        "a container)",
        "the run is refused: a worker cannot be forked",
    )


def check_governor(demand: Demand, machine: Machine) -> Finding:
    """Find cores whose clock is kept low while they have little to do."""
    del demand
    governors = {machine.root.text(name) for name in machine.root.paths(_GOVERNORS)} - {None, ""}
    if not governors:
        return unknown("governor", "not told, as on most virtual machines")
    found = ", ".join(sorted(str(governor) for governor in governors))
    driver = machine.root.text(_DRIVER)
    if governors <= _STEADY or driver in _SELF_WILLED:
        return ok("governor", found, "performance, or one that follows the load")
    return Finding(
        "governor",
        Status.WARN,
        found,
        "performance",
        machine.sudo(f"sh -c 'echo performance | tee /{_GOVERNORS}'"),
        "",
        "cores run slowly between messages, and latencies tell of the clock rate",
    )
