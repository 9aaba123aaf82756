"""What this machine is and what it allows."""

import os
import platform
import resource
import sys
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Self

import psutil

from surgewire.engine.way.sources import port_range


@dataclass(frozen=True, slots=True)
class Machine:
    """The limits that a plan is held against."""

    soft_files: int
    """Descriptors that a process may have open."""
    hard_files: int
    """What a process may raise soft_files to."""
    open_files: int
    """Descriptors that this process has open; its workers inherit as many."""
    ports: tuple[int, int]
    """Lowest and highest port for outgoing connections."""
    available_bytes: int
    """Memory that can be had without swapping."""

    @classmethod
    def here(cls) -> Self:
        """Ask the operating system."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(
            soft_files=_finite(soft),
            hard_files=_finite(hard),
            open_files=psutil.Process().num_fds(),
            ports=port_range(),
            available_bytes=psutil.virtual_memory().available,
        )


def _finite(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def describe_machine() -> dict[str, Any]:
    """Return the facts about this machine that a run's first record keeps."""
    linux = sys.platform.startswith("linux")
    return {
        "system": platform.system(),
        "release": platform.release(),
        "cpus": _usable_cpus(),
        "python": platform.python_version(),
        "uvloop": metadata.version("uvloop"),
        "timer": "timerfd" if linux else "call_at",
        "kernel_stamps": linux,
    }


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
