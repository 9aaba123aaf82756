"""What a doubt is: a warning about our own figures, from a closed list.

A doubt says that a figure may tell of the load generator or of its machine, and not of the target.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class DoubtCode(StrEnum):
    """All doubts there are; the values are stable."""

    WORKER_SATURATED = "worker_saturated"
    SEND_LAG = "send_lag"
    LOOP_LAG = "loop_lag"
    CONNECT_LAG = "connect_lag"
    PLANNED_SKIPPED = "planned_skipped"
    FEW_SAMPLES = "few_samples"
    CLOCK_STEP = "clock_step"
    STEAL = "steal"
    WORKER_DIED = "worker_died"
    JOURNAL_INCOMPLETE = "journal_incomplete"
    LOCAL_LIMITS = "local_limits"
    TIMER_FALLBACK = "timer_fallback"
    LEDGER_WINDOW = "ledger_window"
    LEDGER_UNBALANCED = "ledger_unbalanced"

    @property
    def minor(self) -> bool:
        """Whether all that is printed stands: only something is left out."""
        return self is DoubtCode.FEW_SAMPLES


@dataclass(frozen=True, slots=True)
class Doubt:
    """One doubt about the figures of a run."""

    code: DoubtCode
    figure: float
    """What the check measured; its unit is in the message and in the schema."""
    message: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "code": self.code.value,
            "figure": self.figure,
            "message": self.message,
            "advice": self.advice,
        }
