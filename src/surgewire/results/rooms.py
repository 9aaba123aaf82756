"""The account of each room, out of the latest record of the rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from surgewire.results.record import RoomsRecord

MAX_LISTED = 10_000
"""Rooms that the result file lists one by one."""
MAX_WORST = 10
"""Rooms that are named because most was lost in them, or because their books do not balance."""

DECIDED = ("delivered", "lost", "lost_to_disconnect")
_SHOWN = ("sent", "expected", *DECIDED, "duplicated", "reordered", "late", "complete")


@dataclass(frozen=True, slots=True)
class RoomAccount:
    """The account of one room: ``expected = delivered + lost + lost_to_disconnect + undecided``."""

    room: int
    sent: int
    expected: int
    delivered: int
    lost: int
    lost_to_disconnect: int
    undecided: int
    duplicated: int
    reordered: int
    late: int
    complete: int
    completeness: float | None
    """complete / sent; None where nothing was sent."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


@dataclass(frozen=True, slots=True)
class Rooms:
    """All rooms of a run."""

    at_s: float
    """When the rooms were written down, seconds since the start of the run."""
    current: bool
    """Whether they add up to the totals of the run: those of a run that was cut short are older."""
    count: int
    identity_holds: bool
    """Whether in every room each expected message is delivered, lost, or may still be under way."""
    unbalanced: int
    """Rooms in which it does not hold."""
    unbalanced_rooms: tuple[int, ...]
    """The first MAX_WORST of them."""
    worst: tuple[RoomAccount, ...]
    """The MAX_WORST rooms in which most was lost, the worst first; none where nothing was."""
    all: tuple[RoomAccount, ...]
    """Every room, where there are no more than MAX_LISTED; else none."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {
            "at_s": round(self.at_s, 3),
            "current": self.current,
            "count": self.count,
            "identity_holds": self.identity_holds,
            "unbalanced": self.unbalanced,
            "unbalanced_rooms": list(self.unbalanced_rooms),
            "worst": [account.to_dict() for account in self.worst],
            "all": [account.to_dict() for account in self.all],
        }


def read_rooms(record: RoomsRecord, totals: Mapping[str, int], *, finished: bool) -> Rooms:
    """Read the accounts, and compare them with the totals of the run.

    In a finished run nothing may be under way any more. Raises ValueError where the record is
    damaged.
    """
    columns = _columns(record)
    undecided = columns["expected"] - sum(columns[name] for name in DECIDED)
    wrong = np.flatnonzero(undecided != 0 if finished else undecided < 0)
    lost = columns["lost"] + columns["lost_to_disconnect"]
    # Stable, so that of equal rooms the first is named.
    worst = np.argsort(-lost, kind="stable")[:MAX_WORST]
    listed = range(record.rooms if record.rooms <= MAX_LISTED else 0)
    return Rooms(
        at_s=record.at_s,
        current=all(totals.get(name, 0) == total for name, total in sums(record).items()),
        count=record.rooms,
        identity_holds=wrong.size == 0,
        unbalanced=int(wrong.size),
        unbalanced_rooms=tuple(wrong[:MAX_WORST].tolist()),
        worst=tuple(_account(columns, undecided, int(room)) for room in worst if lost[room] > 0),
        all=tuple(_account(columns, undecided, room) for room in listed),
    )


def sums(record: RoomsRecord) -> dict[str, int]:
    """Give the sum over all rooms of each count of the identity. Raises ValueError likewise."""
    columns = _columns(record)
    return {name: int(columns[name].sum()) for name in ("expected", *DECIDED)}


def _columns(record: RoomsRecord) -> dict[str, npt.NDArray[np.int64]]:
    counts = record.array()
    place = {name: index for index, name in enumerate(record.counters)}
    nothing = np.zeros(record.rooms, np.int64)
    return {name: counts[:, place[name]] if name in place else nothing for name in _SHOWN}


def _account(
    columns: dict[str, npt.NDArray[np.int64]], undecided: npt.NDArray[np.int64], room: int
) -> RoomAccount:
    counts = {name: int(column[room]) for name, column in columns.items()}
    completeness = counts["complete"] / counts["sent"] if counts["sent"] > 0 else None
    return RoomAccount(
        room=room, undecided=int(undecided[room]), completeness=completeness, **counts
    )
