"""What this machine is and what it allows."""

import os
import resource
import sys
from dataclasses import dataclass, field
from typing import Self

import psutil

from surgewire.doctor.ports import port_range
from surgewire.doctor.root import HERE, Root


@dataclass(frozen=True, slots=True)
class Machine:
    """What the system calls tell; the rest is read from files below `root` when asked for."""

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
    cpus: int = 0
    """Cores that this process may use; 0 where it is not known."""
    superuser: bool = False
    root: Root = field(default_factory=Root)

    @classmethod
    def here(cls) -> Self:
        """Ask the operating system."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        return cls(
            soft_files=_finite(soft),
            hard_files=_finite(hard),
            open_files=psutil.Process().num_fds(),
            ports=port_range(HERE),
            available_bytes=psutil.virtual_memory().available,
            cpus=usable_cpus(),
            superuser=os.geteuid() == 0,
            root=HERE,
        )

    def sudo(self, command: str) -> str:
        """Write a command that takes the rights of root."""
        return command if self.superuser else f"sudo {command}"


def _finite(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit


def usable_cpus() -> int:
    """Return how many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
