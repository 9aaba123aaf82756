"""What a worker that died leaves in its slice of shared memory, booked so that sums still hold."""

import numpy as np

from surgewire._core import gauge, ledger, traffic
from surgewire.engine.shared import Counts, SharedRegion

WORKER_DIED = "worker_died"


def book_death(region: SharedRegion, worker: int) -> int:
    """Close the books of `worker`, whose process has ended; return what it had open.

    Afterwards its slice holds no open connection, no attempt without outcome and no message that
    is neither delivered nor lost. Connections that ended with the worker are `worker_died`, and
    what they still had to hear is lost to disconnect.
    """
    part = region.slice(worker)
    count = _read(traffic.COUNTERS, part.traffic)
    open_now = count["open"]
    pending = max(count["attempted"] - count["established"] - count["failed"], 0)
    _add(part.traffic, traffic.COUNTERS, "closed", open_now)
    _add(part.traffic, traffic.COUNTERS, "failed", pending)
    part.traffic[traffic.COUNTERS.index("open")] = 0
    gauge.add(region.gauge, -open_now)
    if open_now:
        part.closed.add(WORKER_DIED, open_now)
    if pending:
        part.errors.add(WORKER_DIED, pending)
    _add(part.ledger, ledger.COUNTERS, "lost_to_disconnect", _outstanding(part.ledger))
    return open_now


def _outstanding(counts: Counts) -> int:
    count = _read(ledger.COUNTERS, counts)
    booked = count["delivered"] + count["lost"] + count["lost_to_disconnect"]
    return max(count["expected"] - booked, 0)


def _read(names: tuple[str, ...], counts: Counts) -> dict[str, int]:
    return dict(zip(names, map(int, counts), strict=True))


def _add(
    counts: Counts,
    names: tuple[str, ...],
    name: str,
    n: int,
) -> None:
    counts[names.index(name)] += np.uint64(n)
