"""A finding: what was found of this machine, what a plan wants, and what brings the one to it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a finding means for the plan, from harmless to grave."""

    OK = "ok"
    UNKNOWN = "unknown"
    """The system does not tell; nothing is concluded from that."""
    WARN = "warn"
    """The run can be done, and its figures may suffer."""
    FAIL = "fail"
    """The run cannot be done."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """Stable, ``[a-z_]+``."""
    status: Status
    found: str
    wanted: str = ""
    """What it should be for this plan; empty where the plan asks for nothing."""
    command: str | None = None
    """What a shell takes to change it; None where no command does."""
    advice: str = ""
    """What else helps, in words."""
    consequence: str = ""
    """What happens when nothing is changed."""

    @property
    def title(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    def line(self) -> str:
        """Say all of a warning or failure in one line, for an error or a note."""
        parts = [f"{self.title}: {self.found}"]
        parts += [f"wanted: {self.wanted}"] if self.wanted else []
        # A failure ends the run, so what would happen in it is of no interest.
        if self.consequence and self.status is Status.WARN:
            parts.append(f"if it stays so, {self.consequence}")
        ways = [f"run `{self.command}`"] if self.command else []
        ways += [self.advice] if self.advice else []
        if ways:
            parts.append(", or ".join(ways))
        return "; ".join(parts)

    def to_dict(self) -> dict[str, str | None]:
        """Give types of JSON."""
        return {**asdict(self), "status": self.status.value}


def ready(findings: Iterable[Finding]) -> bool:
    """Tell whether nothing stands against the run."""
    return all(finding.status is not Status.FAIL for finding in findings)


def ok(name: str, found: str, wanted: str = "") -> Finding:
    """Make a finding that is as it should be."""
    return Finding(name, Status.OK, found, wanted)


def unknown(name: str, found: str = "this system does not tell", wanted: str = "") -> Finding:
    """Make a finding of something that cannot be read here."""
    return Finding(name, Status.UNKNOWN, found, wanted)
