"""The record that a server or a proxy keeps of what it did, as a file of comma-separated values.

For one connection the order of the lines of WIRE is the order on the wire.
"""

import csv
import time
from pathlib import Path
from typing import NamedTuple

from tests.delivery.token import Token

COLUMNS = (
    "instant_ns", "event", "connection", "user", "room",
    "run", "marker_room", "worker", "sequence", "planned_ns",
)  # fmt: skip
WIRE = ("sent", "duplicated", "damaged")
CUTS = ("cut_close", "cut_eof", "cut_reset", "cut_slow")
ENDS = ("left", *CUTS)


class Deed(NamedTuple):
    """One line: what was done, when, on which connection, with which message."""

    instant_ns: int
    event: str
    connection: int
    user: str
    room: str
    token: Token | None = None


class Peer(NamedTuple):
    """A connection as its record names it."""

    connection: int
    user: str
    room: str


class Record:
    """The lines, in the order in which things happened; kept in memory until `write`."""

    def __init__(self) -> None:
        self.deeds: list[Deed] = []

    def note(self, event: str, peer: Peer, token: Token | None = None) -> None:
        """Put down what is about to be done."""
        self.deeds.append(Deed(time.monotonic_ns(), event, *peer, token))

    def write(self, path: Path) -> None:
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            for deed in self.deeds:
                writer.writerow((*deed[:5], *(deed.token or [""] * 5)))


def read_record(path: Path) -> list[Deed]:
    """Read what `Record.write`, or the embedded target, has written."""
    with path.open(newline="") as file:
        reader = csv.reader(file)
        header = tuple(next(reader))
        assert header == COLUMNS, f"{path}: {header}"
        return [_read_line(row) for row in reader]


def _read_line(row: list[str]) -> Deed:
    token = Token(*map(int, row[5:])) if row[8] else None
    return Deed(int(row[0]), row[1], int(row[2]), row[3], row[4], token)
