"""What can drift: each measure with its unit and with the least change that matters."""

from dataclasses import dataclass

_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that is followed over a run."""

    key: str
    """Its name in the result file."""
    label: str
    """Its name for people."""
    unit: str
    """``ms``, ``ratio``, ``count`` or ``bytes``."""
    least_share: float
    """Of the typical value: a smaller change over the run does not matter."""
    least_change: float
    """In the unit: likewise."""

    def least(self, typical: float) -> float:
        """Give the least change over a run that matters, in the unit."""
        return max(self.least_share * abs(typical), self.least_change)


# A tenth is what people see in a plot; below the tick of 1 ms it is the scheduler's grain.
P99 = Measure("p99", "p99", "ms", 0.1, 1.0)
# One message of a thousand: below that the messages under way at the edges show.
DELIVERY = Measure("delivery", "delivery", "ratio", 0.0, 0.001)
# One of a hundred, and never a single user.
OPEN = Measure("open", "open connections", "count", 0.01, 2.0)
JOINED = Measure("joined", "joined users", "count", 0.01, 2.0)
# A leak of 1 % in ten minutes doubles the memory within a day; allocators take a MiB at a time.
TARGET_MEMORY = Measure("target_memory", "target memory", "bytes", 0.01, float(_MIB))
