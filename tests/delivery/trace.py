"""The generator's own trace: what it sent, what arrived, who was joined from when to when."""

import csv
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

COLUMNS = (
    "instant_ns", "event", "user", "room", "worker", "sequence", "planned_ns", "detail",
)  # fmt: skip


class Line(NamedTuple):
    """One line of a trace; what is empty is 0."""

    instant_ns: int
    event: str
    user: int
    room: int
    worker: int
    sequence: int
    planned_ns: int
    detail: str


@dataclass(frozen=True)
class Trace:
    """All lines of a run."""

    workers: int
    users: dict[int, list[Line]]
    """What happened to each user, in its order, without what it sent."""
    sent: list[Line]


def read_trace(path: Path, workers: int) -> Trace:
    """Read the files of all workers, `path` with the worker's number behind it."""
    return trace_of(workers, (line for w in range(workers) for line in _lines(Path(f"{path}.{w}"))))


def trace_of(workers: int, lines: Iterable[Line]) -> Trace:
    users: dict[int, list[Line]] = defaultdict(list)
    sent = []
    for line in lines:
        if line.event == "sent":
            sent.append(line)
        else:
            users[line.user].append(line)
    return Trace(workers, users, sent)


def _lines(path: Path) -> Iterable[Line]:
    with path.open(newline="") as file:
        reader = csv.reader(file)
        header = tuple(next(reader))
        assert header == COLUMNS, f"{path}: {header}"
        for row in reader:
            user, room, worker, sequence, planned_ns = (int(text or 0) for text in row[2:7])
            yield Line(int(row[0]), row[1], user, room, worker, sequence, planned_ns, row[7])
