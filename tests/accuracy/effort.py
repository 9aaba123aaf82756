"""How long the accuracy tests take: a short form in the ordinary tests, a full one by a verb.

SURGEWIRE_ACCURACY=full chooses the full form, which also renews the figures in docs/accuracy.md.
"""

import os
from dataclasses import dataclass

FULL = os.environ.get("SURGEWIRE_ACCURACY") == "full"
TIMEOUT_S = 1800 if FULL else 120
"""For one test, all its attempts together."""


@dataclass(frozen=True)
class Load:
    """What the generator is told to send."""

    connections: int
    rate_per_s: int
    duration_s: int
    processes: int = 1
    poisson: bool = False

    @property
    def messages(self) -> int:
        """Exactly so many at a constant rate, about so many by Poisson."""
        return self.connections * self.rate_per_s * self.duration_s

    @property
    def options(self) -> tuple[str, ...]:
        return (
            "--connections", str(self.connections),
            "--rate", f"{self.rate_per_s}/s",
            "--duration", f"{self.duration_s}s",
            "--processes", str(self.processes),
            *(("--poisson",) if self.poisson else ()),
        )  # fmt: skip

    def __str__(self) -> str:
        spacing = " at random intervals" if self.poisson else ""
        return (
            f"{self.connections:,} connections × {self.rate_per_s}/s{spacing} for "
            f"{self.duration_s} s, {self.processes} worker{'s' * (self.processes > 1)}"
        )
