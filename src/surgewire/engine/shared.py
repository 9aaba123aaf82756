"""The memory that supervisor and workers share: mapped before forking, written without locks.

Each worker writes its own slice and nobody else's; everybody reads all of them at any moment. So a
worker that is killed leaves behind all that it counted.
"""

import mmap
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from surgewire._core import ledger, traffic
from surgewire._core import rooms as rooms_memory
from surgewire._core.histogram import HISTOGRAM_WORDS
from surgewire._core.rooms import Rooms
from surgewire.engine.kinds import KIND_TABLE_BYTES, KindTable
from surgewire.plan.waves import MAX_WAVES
from surgewire.results.metrics import METRICS

Counts = npt.NDArray[np.uint64]
Words = npt.NDArray[np.int64]

GAUGE_OPEN = 0
GAUGE_PEAK_OPEN = 1

_CACHE_LINE = 64

PROGRESS_WORDS = 8
PROGRESS_PHASE = 0
"""Which step the worker has come to, an index into PHASES."""
PROGRESS_HEARTBEAT_NS = 1
"""When the worker's loop last turned, an instant; 0 before the first time."""
PROGRESS_CONNECTED_NS = 2
"""When the last of the worker's attempts had its outcome, an instant."""
PROGRESS_FINISHED_NS = 3
"""When the worker had booked everything and closed its connections, an instant."""

PROGRESS_ESTABLISHED_NS = 4
"""When the latest of the worker's attempts succeeded, an instant; 0 before the first one did."""
PROGRESS_STOPPED_NS = 5
"""When the worker had sent its last message, an instant; 0 while it may send."""

SURGE_ROWS = MAX_WAVES + 1
"""One for each wave (a storm is the first), and one for those that come back from a storm."""
SURGE_OF_RETURNS = MAX_WAVES
SURGE_USERS, SURGE_CAME, SURGE_PLANNED_NS, SURGE_LAST_NS = range(4)
"""Of a row: users of this worker in the surge, how many of them are in, the instant for which it
was planned (0 until it is), and when the latest came in."""
_SURGE_WORDS = 4

PHASES = ("starting", "ready", "connecting", "connected", "sending", "draining", "finished")


class WorkerSlice:
    """What one worker counts, as views into the shared map.

    `ledger`: uint64[rooms] by the names of the core's counters, in an echo run of one row;
    `traffic`: uint64 by the names of the core's counters; `histograms`: int64 words of
    the core's histogram for each metric; `errors`, `closed`: counts by kind; `facts`: counts by
    name of what is no failure (which addresses were used, TLS sessions resumed …); `progress`:
    int64, see the PROGRESS_ constants; `surges`: int64[SURGE_ROWS, 4], see the SURGE_ constants.
    """

    def __init__(self, memory: npt.NDArray[np.uint8], rooms: int = 1) -> None:
        """Lay the views over `memory`, slice_bytes(rooms) long."""
        self._memory = memory
        self._offset = 0
        self.progress: Words = self._take(PROGRESS_WORDS * 8).view(np.int64)
        counters = len(ledger.COUNTERS)
        self.ledger: Counts = self._take(rooms * counters * 8).view(np.uint64)
        self.ledger.shape = (rooms, counters)
        self.traffic: Counts = self._take(len(traffic.COUNTERS) * 8).view(np.uint64)
        self.errors = KindTable(self._take(KIND_TABLE_BYTES))
        self.closed = KindTable(self._take(KIND_TABLE_BYTES))
        self.facts = KindTable(self._take(KIND_TABLE_BYTES))
        self.surges: Words = self._take(SURGE_ROWS * _SURGE_WORDS * 8).view(np.int64)
        self.surges.shape = (SURGE_ROWS, _SURGE_WORDS)
        self.histograms: dict[str, Words] = {
            name: self._take(HISTOGRAM_WORDS * 8).view(np.int64) for name in METRICS
        }

    def _take(self, length: int) -> npt.NDArray[np.uint8]:
        start = self._offset
        self._offset = start + length
        return self._memory[start : start + length]


def slice_bytes(rooms: int = 1) -> int:
    """Return how much memory the slice of one worker takes, in whole pages."""
    words = PROGRESS_WORDS + rooms * len(ledger.COUNTERS) + len(traffic.COUNTERS)
    words += HISTOGRAM_WORDS * len(METRICS) + SURGE_ROWS * _SURGE_WORDS
    return _whole_pages(words * 8 + 3 * KIND_TABLE_BYTES)


def _whole_pages(length: int) -> int:
    return -(-length // mmap.PAGESIZE) * mmap.PAGESIZE


class SharedRegion:
    """One anonymous map for all workers; pages that nobody touches cost no memory.

    `gauge`: int64[2], connections open now and the most that were open at once, over all workers;
    changed atomically by the native gauge only. `under_way`: likewise, attempts that have begun and
    have no outcome. `rooms`: rows of each worker's ledger.
    `fanout_slots`: how many messages of a stream have their fan-out followed; 0 where the run has
    no rooms that workers share, as in an echo run. `apart`: whether each ledger has as many rows
    again, behind those of the rooms, for awkward users; `rows`: how many it has in all.
    """

    def __init__(
        self, workers: int, rooms: int = 1, fanout_slots: int = 0, *, apart: bool = False
    ) -> None:
        """Map memory for `workers` workers, all zero."""
        if workers < 1:
            raise ValueError("a run takes at least one worker")
        self.rooms = rooms
        self.apart = apart
        self.rows = rooms * 2 if apart else rooms
        self.fanout_slots = fanout_slots
        stride = slice_bytes(self.rows)
        slices_end = mmap.PAGESIZE + workers * stride
        shared = 0
        if fanout_slots:
            shared = rooms_memory.memory_bytes(workers, rooms, fanout_slots, apart)
        # Anonymous and shared: freed with the last view of the last process.
        memory = np.frombuffer(mmap.mmap(-1, slices_end + shared), np.uint8)
        # A page of its own: all workers write the gauge, and no slice shall share its cache line.
        self.gauge: Words = memory[:16].view(np.int64)
        self.under_way: Words = memory[_CACHE_LINE : _CACHE_LINE + 16].view(np.int64)
        starts = range(mmap.PAGESIZE, slices_end, stride)
        self._slices = tuple(
            WorkerSlice(memory[start : start + stride], self.rows) for start in starts
        )
        self._rooms_memory = memory[slices_end:]

    @property
    def workers(self) -> int:
        """How many slices there are."""
        return len(self._slices)

    @property
    def slices(self) -> Sequence[WorkerSlice]:
        """The slices of all workers, in their order."""
        return self._slices

    def slice(self, worker: int) -> WorkerSlice:
        """Return the slice of worker number `worker`, from 0 on."""
        if not 0 <= worker < len(self._slices):
            raise IndexError(f"there is no worker {worker} among {len(self._slices)}")
        return self._slices[worker]

    def share_rooms(self, worker: int | None = None) -> Rooms | None:
        """Return what all workers know of the rooms; None where the run has none to share.

        worker: the number of the worker that is to write; None to read.
        """
        if not self.fanout_slots:
            return None
        return Rooms(
            self._rooms_memory,
            workers=self.workers,
            rooms=self.rooms,
            slots=self.fanout_slots,
            worker=worker,
            apart=self.apart,
        )
