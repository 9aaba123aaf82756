"""What a run must hold to pass. Crossing a threshold is the target's fault, not the figures'."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surgewire.results.presence import Users
    from surgewire.results.result import Connections, Delivery


@dataclass(frozen=True, slots=True)
class Threshold:
    """One condition: what was counted, where it must stay, and whether it did."""

    figure: str
    """Its place in the result, such as ``delivery.lost``."""
    value: int
    limit: int
    """The most that it may be."""

    @property
    def crossed(self) -> bool:
        """Whether the figure went over its limit."""
        return self.value > self.limit

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "expression": f"{self.figure}<={self.limit}",
            "value": self.value,
            "ok": not self.crossed,
        }


def standard_thresholds(
    connections: "Connections",
    delivery: "Delivery",
    *,
    sends: bool,
    users: "Users | None" = None,
    missing: int | None = None,
) -> tuple[Threshold, ...]:
    """Return what holds for every run: no connection fails or ends early, no message goes astray.

    sends: whether messages are part of the run; users: None in runs without rooms. missing: who
    left in a reconnect storm and did not come back; None in runs without one. Reordering crosses no
    threshold: not every server promises an order.
    """
    figures = {
        "connections.failed": connections.failed,
        "connections.closed": sum(connections.closed.values()),
    }
    if users is not None:
        figures["joins.failed"] = users.joins.failed
        figures["reconnects.failed"] = users.reconnects.failed
    if missing is not None:
        figures["reconnects.missing"] = missing
    if sends:
        figures |= {
            "delivery.lost": delivery.lost,
            "delivery.lost_to_disconnect": delivery.lost_to_disconnect,
            "delivery.duplicated": delivery.duplicated,
            "delivery.late": delivery.late,
            "delivery.damaged": delivery.damaged,
            "delivery.misrouted": delivery.misrouted,
        }
    return tuple(Threshold(figure, value, 0) for figure, value in figures.items())
