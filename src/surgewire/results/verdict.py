"""The verdict on a run, in one word and its reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from surgewire.results.doubt import Doubt

if TYPE_CHECKING:
    from surgewire.results.presence import Users
    from surgewire.results.result import Connections, Delivery


class Status(StrEnum):
    """All verdicts there are, gravest last; the values are stable."""

    PASS = "pass"  # noqa: S105 - a verdict
    """The target did all that was asked, and the figures stand."""
    DOUBTFUL = "doubtful"
    """The target did all that was asked, but the figures may be the generator's."""
    FAIL = "fail"
    """The target fell short: connections or messages failed."""
    RUNNING = "running"
    """Still going; the figures are of the part that is done."""
    INTERRUPTED = "interrupted"
    """Stopped before its time; the figures are of the part that was run."""
    FAILED = "failed"
    """The run could not be done."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One status, the gravest that applies, and all reasons, the gravest first."""

    status: Status
    reasons: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {"status": self.status.value, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True)
class Ending:
    """How the run ended."""

    reason: str | None
    """``finished``, ``interrupted``, ``aborted``, ``failed``; None when the journal has no end."""
    at_s: float
    signal: str | None = None
    """What asked the run to stop."""
    rule: str = ""
    """What of ``--abort-on`` was crossed, with its figures."""
    running: bool = False
    """Whether the end is yet to come."""


def judge(
    ending: Ending,
    connections: "Connections",
    delivery: "Delivery",
    doubts: tuple[Doubt, ...],
    *,
    sends: bool,
    users: "Users | None" = None,
    missing: int | None = None,
    stood_still: bool = False,
) -> Verdict:
    """Weigh a run.

    ``sends`` tells whether messages were part of it; ``users`` is None in runs without rooms;
    ``missing`` is who left in a reconnect storm and did not come back, None without one;
    ``stood_still`` tells whether a worker did, long enough to make messages late by itself.
    """
    impossible = _impossible(ending, connections, delivery, sends)
    cut_short = _cut_short(ending)
    shortfalls = _aborted(ending) + _of_connections(ending, connections)
    if missing:
        shortfalls.append(f"{missing:,} users that left together did not come back")
    shortfalls += _of_users(users) + _of_messages(delivery, late_counts=not stood_still)
    in_doubt = [doubt.code.value for doubt in doubts if not doubt.code.minor]
    doubtful = [f"figures in doubt: {', '.join(in_doubt)}"] if in_doubt else []
    if stood_still and delivery.late:
        doubtful.append(
            f"{delivery.late:,} deliveries late, perhaps for the tester's own standstill"
        )
    going_on = _going_on(ending)
    weighed = (
        (Status.FAILED, impossible),
        (Status.RUNNING, going_on),
        (Status.INTERRUPTED, cut_short),
        (Status.FAIL, shortfalls),
        (Status.DOUBTFUL, doubtful),
    )
    status = next((status for status, reasons in weighed if reasons), Status.PASS)
    return Verdict(status, tuple(impossible + going_on + cut_short + shortfalls + doubtful))


def _impossible(
    ending: Ending, connections: "Connections", delivery: "Delivery", sends: bool
) -> list[str]:
    if ending.reason == "failed":
        return ["the run could not be completed"]
    if connections.attempted and not connections.established and ending.reason == "finished":
        return ["no connection was established"]
    nothing_sent = sends and not delivery.sent and not delivery.warmup_sent
    if nothing_sent and ending.reason == "finished":
        return ["no message was sent"]
    return []


def _going_on(ending: Ending) -> list[str]:
    if ending.reason is None and ending.running:
        return [f"still running, after {ending.at_s:.1f} s"]
    return []


def _cut_short(ending: Ending) -> list[str]:
    if ending.reason is None and not ending.running:
        return [f"no end: killed, or out of disk, after {ending.at_s:.1f} s"]
    if ending.reason == "interrupted":
        by = f" by {ending.signal}" if ending.signal else ""
        return [f"stopped{by} after {ending.at_s:.1f} s"]
    return []


def _aborted(ending: Ending) -> list[str]:
    """Name the rule that stopped the run, the first of what the target fell short of."""
    if ending.reason != "aborted":
        return []
    return [f"stopped by --abort-on {ending.rule} after {ending.at_s:.1f} s"]


def _of_connections(ending: Ending, connections: "Connections") -> list[str]:
    reasons = []
    if ending.reason == "finished" and connections.attempted < connections.requested:
        asked = f"{connections.requested:,} connections"
        reasons.append(f"only {connections.attempted:,} of {asked} were attempted")
    if connections.failed:
        reasons.append(f"{connections.failed:,} of {connections.attempted:,} connections failed")
    ended = sum(connections.closed.values())
    if ended:
        reasons.append(f"{ended:,} connections ended before their time")
    return reasons


def _of_users(users: "Users | None") -> list[str]:
    if users is None:
        return []
    reasons = []
    if users.joins.failed:
        reasons.append(f"{users.joins.failed:,} joins failed")
    if users.reconnects.failed:
        tries = f"{users.reconnects.attempts:,} attempts to come back"
        reasons.append(f"{users.reconnects.failed:,} of {tries} failed")
    return reasons


def _of_messages(delivery: "Delivery", *, late_counts: bool) -> list[str]:
    counts = (
        (delivery.lost, "lost"),
        (delivery.lost_to_disconnect, "lost to disconnect"),
        (delivery.duplicated, "duplicated"),
        (delivery.late if late_counts else 0, "late"),
        (delivery.damaged, "damaged"),
        (delivery.misrouted, "misrouted"),
    )
    found = [f"{count:,} {what}" for count, what in counts if count]
    return [f"of {delivery.expected:,} deliveries: {', '.join(found)}"] if found else []
