"""What a worker that died leaves in its slice of shared memory, booked so that sums still hold."""

import numpy as np

from surgewire._core import gauge, ledger, traffic
from surgewire.engine.shared import PROGRESS_CONNECTED_NS, PROGRESS_STOPPED_NS, Counts, SharedRegion

WORKER_DIED = "worker_died"

_EXPECTED = ledger.COUNTERS.index("expected")
_SENT = ledger.COUNTERS.index("sent")
_LOST_TO_DISCONNECT = ledger.COUNTERS.index("lost_to_disconnect")
_BOOKED = [ledger.COUNTERS.index(name) for name in ("delivered", "lost", "lost_to_disconnect")]


def book_death(region: SharedRegion, worker: int) -> int:
    """Close the books of `worker`, whose process has ended; return what it had open.

    Afterwards its slice holds no open connection, no attempt without outcome and, in each room, no
    message that is neither delivered nor lost, and none of its users listens. Connections that
    ended with the worker are `worker_died`, and what they still had to hear is lost to disconnect.
    """
    part = region.slice(worker)
    # Nobody waits for it to send its last message.
    part.progress[PROGRESS_STOPPED_NS] = max(1, int(part.progress[PROGRESS_STOPPED_NS]))
    count = _read(traffic.COUNTERS, part.traffic)
    open_now = count["open"]
    pending = max(count["attempted"] - count["established"] - count["failed"], 0)
    _add(part.traffic, traffic.COUNTERS, "closed", open_now)
    _add(part.traffic, traffic.COUNTERS, "failed", pending)
    if part.progress[PROGRESS_CONNECTED_NS]:
        # Nobody comes back before every first attempt has its outcome.
        _add(part.traffic, traffic.COUNTERS, "retries_failed", pending)
    part.traffic[traffic.COUNTERS.index("open")] = 0
    gauge.add(region.gauge, -open_now)
    gauge.add(region.under_way, -pending)
    if open_now:
        part.closed.add(WORKER_DIED, open_now)
    if pending:
        part.errors.add(WORKER_DIED, pending)
    part.ledger[:, _LOST_TO_DISCONNECT] += _outstanding(region, worker)
    # It may have been killed between planning a message and booking it as sent.
    sent = int(np.add.reduce(part.ledger[: region.rooms, _SENT]))
    unsent = max(count["planned"] - count["skipped"] - sent, 0)
    _add(part.traffic, traffic.COUNTERS, "skipped", unsent)
    return open_now


def _outstanding(region: SharedRegion, worker: int) -> Counts:
    """Return what `worker` still had to hear in each row of its ledger."""
    counts = region.slice(worker).ledger
    expected = counts[:, _EXPECTED].copy()
    rooms = region.share_rooms()
    if rooms is not None:
        rooms.bury(worker)
        shared = np.zeros((region.workers, region.rows), np.uint64)
        rooms.expected(shared)
        expected += shared[worker]
    booked = np.add.reduce(counts[:, _BOOKED], axis=1)
    # Below zero where the worker was killed between two words.
    outstanding: Counts = np.maximum((expected - booked).view(np.int64), 0).astype(np.uint64)
    return outstanding


def _read(names: tuple[str, ...], counts: Counts) -> dict[str, int]:
    return dict(zip(names, map(int, counts), strict=True))


def _add(
    counts: Counts,
    names: tuple[str, ...],
    name: str,
    n: int,
) -> None:
    counts[names.index(name)] += np.uint64(n)
