"""Literal trees of /proc and /sys, and what a plan asks for."""

from pathlib import Path

from surgewire.doctor.demand import Demand
from surgewire.doctor.machine import Machine
from surgewire.doctor.root import Root

SOUND = {
    "proc/sys/fs/file-nr": "1024\t0\t2466183",
    "proc/sys/fs/nr_open": "1048576",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999",
    "proc/sys/net/ipv4/ip_local_reserved_ports": "",
    "proc/sys/net/ipv4/tcp_tw_reuse": "2",
    "proc/sys/net/ipv4/tcp_mem": "287901\t383869\t575802",
    "proc/sys/net/core/somaxconn": "4096",
    "proc/sys/net/netfilter/nf_conntrack_max": "262144",
    "proc/sys/net/netfilter/nf_conntrack_count": "17",
    "proc/net/sockstat": "sockets: used 16\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 71",
    "proc/self/cgroup": "0::/user.slice/run.scope",
    "proc/self/timerslack_ns": "50000",
    "proc/meminfo": "MemTotal: 16000000 kB\nSwapTotal: 2097148 kB\nSwapFree: 2097148 kB",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver": "acpi-cpufreq",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "performance",
    "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm",
}


def tree(folder: Path, changes: dict[str, str | None] | None = None) -> Root:
    """Write a sound system's files below `folder`, with `changes`; None leaves a file out."""
    for name, text in (SOUND | (changes or {})).items():
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(f"{text}\n")
    return Root(folder)


def machine(root: Root | None = None, **changes) -> Machine:
    values = {
        "soft_files": 1024,
        "hard_files": 1 << 20,
        "open_files": 10,
        "ports": (32_768, 60_999),
        "available_bytes": 8 << 30,
        "cpus": 4,
        "root": root or Root(),
    }
    return Machine(**(values | changes))


def demand(**changes) -> Demand:
    values = {
        "connections": 10_000,
        "processes": 2,
        "paths": 1,
        "host": "192.0.2.1",
        "local": False,
        "secure": False,
        "books_bytes": 0,
        "sent_per_s": 10_000.0,
        "heard_per_s": 10_000.0,
        "connect_per_s": 1_000.0,
        "duration_s": 75.0,
        "runs_dir": Path(),
    }
    return Demand(**(values | changes))
