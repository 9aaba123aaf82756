"""What an examination came to: the findings, and whether the machine is ready."""

from dataclasses import dataclass
from typing import Any

from surgewire.doctor.ability import SelfTest
from surgewire.doctor.demand import Demand
from surgewire.doctor.finding import Finding, Status, ready

SCHEMA = "surgewire.doctor/1"


@dataclass(frozen=True, slots=True)
class Examination:
    """The whole of a doctor's run."""

    demand: Demand
    """What the machine was held against."""
    machine: dict[str, Any]
    findings: tuple[Finding, ...]
    self_test: SelfTest | None
    """None where it was left out."""

    @property
    def ready(self) -> bool:
        """Whether nothing stands against the run."""
        return ready(self.findings)

    def of(self, status: Status) -> tuple[Finding, ...]:
        """Return the findings of one status, in order."""
        return tuple(finding for finding in self.findings if finding.status is status)

    def to_dict(self) -> dict[str, Any]:
        """Give types of JSON."""
        return {
            "schema": SCHEMA,
            "ready": self.ready,
            "demand": self.demand.to_dict(),
            "machine": self.machine,
            "findings": [finding.to_dict() for finding in self.findings],
            "self_test": None if self.self_test is None else self.self_test.to_dict(),
        }
