"""What a server recorded of each message, read without any code of ours."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]


@dataclass(frozen=True)
class Truth:
    """Columns of one row per counted message, in the order of their leaving the server.

    Times are ns of CLOCK_MONOTONIC. `round_trips_ns` are of the server's own pings.
    """

    room: Times
    sequence: Times
    planned_ns: Times
    received_ns: Times
    sent_ns: Times
    round_trips_ns: Times

    @property
    def latency_ns(self) -> Times:
        """From the planned instant to right before the answer was handed to the kernel, sorted."""
        return np.sort(self.sent_ns - self.planned_ns)

    @property
    def held_ns(self) -> Times:
        """How long the server kept each message, sorted."""
        return np.sort(self.sent_ns - self.received_ns)

    @property
    def reordered(self) -> int:
        """Messages that left after one with a higher number of the same stream."""
        highest: dict[int, int] = {}
        count = 0
        for room, sequence in zip(self.room.tolist(), self.sequence.tolist(), strict=True):
            count += sequence < highest.get(room, 0)
            highest[room] = max(sequence, highest.get(room, 0))
        return count

    def check_whole(self, connections: int) -> None:
        """Check that each stream was answered from 1 on, without a gap and each message once."""
        for room in range(connections):
            numbers = np.sort(self.sequence[self.room == room])
            assert np.array_equal(numbers, np.arange(1, numbers.size + 1)), f"stream {room}"


def read_truth(path: Path) -> Truth:
    """Read what a server wrote; messages of the warm-up, number 0, are left out."""
    trips: list[int] = []
    if path.suffix == ".json":
        content = json.loads(path.read_text())
        trips = content["round_trips_ns"]
        rows = np.array(content["messages"], np.int64).reshape(-1, 5)
    else:
        with path.open() as file:
            names = file.readline().strip().split(",")
            table = np.loadtxt(file, np.int64, delimiter=",", ndmin=2)
        wanted = ("room", "sequence", "planned_ns", "received_ns", "sent_ns")
        rows = table[:, [names.index(name) for name in wanted]]
    rows = rows[rows[:, 1] > 0]
    # As they left; of equal stamps in the order of writing.
    rows = rows[np.argsort(rows[:, 4], kind="stable")]
    return Truth(*rows.T, np.sort(np.array(trips, np.int64)))


def percentile(ordered: Times, percent: float) -> int:
    """Return the value at a percentile by HdrHistogram's rule: its rank is rounded."""
    rank = math.floor(ordered.size * percent / 100 + 0.5)
    return int(ordered[max(rank, 1) - 1])
