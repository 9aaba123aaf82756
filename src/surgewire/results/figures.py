"""The figures of a run at a moment, for those who watch it."""

from dataclasses import dataclass

from surgewire._core.histogram import Histogram
from surgewire.results.asked import Asked
from surgewire.results.metrics import CONNECT_TIME, MESSAGE_LATENCY
from surgewire.results.record import IntervalRecord
from surgewire.results.sparse import add_sparse
from surgewire.results.summary import Summary
from surgewire.results.timeline import Timeline

_SENT = ("sent", "warmup_sent")
# Whatever came in as a message, whether it was expected or not.
_RECEIVED = (
    "delivered",
    "duplicated",
    "foreign",
    "damaged",
    "unmarked",
    "misrouted",
    "too_old",
    "before_join",
    "warmup_delivered",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What the last interval brought, and where the run stands."""

    at_s: float = 0.0
    phase: str = "starting"
    progress: float | None = None
    """Share of the phase that is over, 0 … 1; None where it has no known end."""
    requested: int = 0
    attempted: int = 0
    established: int = 0
    failed: int = 0
    open: int = 0
    joined: int | None = None
    """Users that listen in their rooms; None in a run without rooms."""
    sent_per_s: float = 0.0
    received_per_s: float = 0.0
    connected_per_s: float = 0.0
    metric: str = MESSAGE_LATENCY
    """What p50 and p99 are about: latency, or connect time while connecting."""
    p50_ms: float | None = None
    p99_ms: float | None = None
    errors: int = 0
    """Failed attempts and connections that ended before we closed them, so far."""
    lost: int = 0
    """Lost, and lost to disconnect, so far."""
    delivery: float | None = None
    """delivered / expected so far. What is under way has not arrived: never too high a figure, as
    it would be of what is decided only, for a loss is known when the ledger's window has passed."""
    worst_cpu_percent: float | None = None
    """Of the busiest worker, in percent of one core."""


def figures_of(
    record: IntervalRecord,
    asked: Asked,
    counters: dict[str, int],
    errors: int,
    timeline: Timeline,
) -> Figures:
    """Read the last interval; ``counters`` and ``errors`` are those of the run so far."""
    connecting = record.phase in ("starting", "connecting") or asked.kind == "connect"
    metric = CONNECT_TIME if connecting else MESSAGE_LATENCY
    summary = _summary(record, metric)
    attempted = counters.get("attempted", 0)
    decided = counters.get("established", 0) + counters.get("failed", 0)
    delivered, expected = counters.get("delivered", 0), counters.get("expected", 0)
    lost = counters.get("lost", 0) + counters.get("lost_to_disconnect", 0)
    return Figures(
        at_s=record.at_s,
        phase=timeline.phase,
        progress=_progress(asked, timeline, decided),
        requested=asked.connections,
        attempted=attempted,
        established=counters.get("established", 0),
        failed=counters.get("failed", 0)
        - counters.get("awkward_failed", 0)
        - counters.get("awkward_retries_failed", 0),
        open=record.gauges.get("open", 0),
        joined=record.gauges.get("joined", 0) if asked.chats else None,
        sent_per_s=_rate(record, _SENT),
        received_per_s=_rate(record, _RECEIVED),
        connected_per_s=_rate(record, ("established",)),
        metric=metric,
        p50_ms=summary.p50,
        p99_ms=summary.p99,
        errors=errors,
        lost=lost,
        delivery=delivered / expected if expected > 0 else None,
        worst_cpu_percent=max((sample.cpu_percent for sample in record.workers), default=None),
    )


def _summary(record: IntervalRecord, metric: str) -> Summary:
    delta = record.histograms.get(metric)
    if delta is None:
        return Summary()
    histogram = Histogram()
    add_sparse(histogram, delta)
    return Summary.of(histogram)


def _rate(record: IntervalRecord, names: tuple[str, ...]) -> float:
    if record.length_s <= 0:
        return 0.0
    return sum(record.counters.get(name, 0) for name in names) / record.length_s


def _progress(asked: Asked, timeline: Timeline, decided: int) -> float | None:
    spent_s = timeline.length_s(timeline.phase)
    match timeline.phase:
        case "starting" | "connecting":
            done, whole = float(decided), float(asked.connections)
        case "warmup":
            done, whole = spent_s, asked.warmup_s
        case "sending":
            done, whole = spent_s, asked.duration_s
        case "draining":
            done, whole = spent_s, asked.drain_s
        case "holding":
            done, whole = spent_s, asked.hold_s
        case _:
            return None
    return min(done / whole, 1.0) if whole > 0 else None
