"""What a plan asks of the machine, in numbers."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Demand:
    """What a plan asks of the machine that it runs on."""

    connections: int
    processes: int
    paths: int
    """Pairs of an address to connect from and one to connect to; each has a range of ports of its
    own. 0 where no ports are needed."""
    host: str
    local: bool
    """Whether the target is on this machine, and takes of the same limits."""
    secure: bool
    books_bytes: int
    """Memory of the books of a chat run."""
    sent_per_s: float
    """Messages of all users together."""
    heard_per_s: float
    """Deliveries to all users together."""
    connect_per_s: float
    """Highest rate of first attempts."""
    duration_s: float
    runs_dir: Path
    connections_option: str = "--connections"

    @property
    def ends(self) -> int:
        """Sockets on this machine: those of a local target are here too."""
        return self.connections * (2 if self.local else 1)

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON."""
        told = asdict(self) | {"runs_dir": str(self.runs_dir)}
        del told["connections_option"]
        return told


def counted(number: int, noun: str) -> str:
    """``1 process``, ``2,000 connections``."""
    ending = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else ending}"


def mebibytes(size_bytes: int) -> str:
    """Write a size in whole MiB, rounded up."""
    return f"{-(-size_bytes // (1 << 20)):,} MiB"
