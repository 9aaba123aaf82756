"""Clocks: what reading the time costs, and how late timers may come."""

from surgewire.doctor.demand import Demand
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine

_CLOCKS = "sys/devices/system/clocksource/clocksource0"
# Read in user space, by way of the vDSO; all others take a system call, some a slow device.
_FAST = frozenset({"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"})
_DEFAULT_SLACK_NS = 50_000


def check_clock_source(demand: Demand, machine: Machine) -> Finding:
    """Find a clock that is slow to read."""
    del demand
    now = machine.root.text(f"{_CLOCKS}/current_clocksource")
    wanted = "one that is read without a system call, as tsc"
    if now is None:
        return unknown("clock_source", wanted=wanted)
    if now in _FAST:
        return ok("clock_source", now, wanted)
    others = (machine.root.text(f"{_CLOCKS}/available_clocksource") or "").split()
    better = next((name for name in others if name in _FAST), None)
    command = machine.sudo(f"sh -c 'echo {better} > /{_CLOCKS}/current_clocksource'")
    return Finding(
        "clock_source",
        Status.WARN,
        now,
        wanted,
        command if better else None,
        "" if better else "use another machine: the kernel offers no faster clock here",
        "each stamp of a message costs a microsecond or more, so a core carries less",
    )


def check_timer_slack(demand: Demand, machine: Machine) -> Finding:
    """Find a process whose timers the kernel may delay by more than usual."""
    del demand
    slack_ns = machine.root.number("proc/self/timerslack_ns")
    wanted = f"{_DEFAULT_SLACK_NS // 1000} µs or less"
    if slack_ns is None:
        return unknown("timer_slack", wanted=wanted)
    found = f"{slack_ns / 1000:,g} µs"
    if slack_ns <= _DEFAULT_SLACK_NS:
        return ok("timer_slack", found, wanted)
    return Finding(
        "timer_slack",
        Status.WARN,
        found,
        wanted,
        machine.sudo(f"sh -c 'echo {_DEFAULT_SLACK_NS} > /proc/'$$'/timerslack_ns'"),
        "begin from another shell",
        "waits of the system's libraries end late by as much",
    )
