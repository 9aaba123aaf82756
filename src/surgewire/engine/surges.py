"""Who of each surge is in: storms, waves, and those that come back together, in shared memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surgewire.engine.shared import (
    SURGE_CAME,
    SURGE_LAST_NS,
    SURGE_OF_RETURNS,
    SURGE_PLANNED_NS,
    SURGE_USERS,
    Words,
    WorkerSlice,
)
from surgewire.plan.waves import Waves


class SurgeBook:
    """The rows of one worker, in its slice.

    words: the `surges` of the slice. waves: those of the plan; None where users follow a rate.
    users: the worker's, by their numbers over the whole run.
    """

    def __init__(self, words: Words, waves: Waves | None, users: Sequence[int]) -> None:
        """Write down how many users each wave has."""
        self._words = words
        self._waves = waves
        if waves is not None:
            for user in users:
                words[waves.wave_of(user), SURGE_USERS] += 1

    def start(self, at_ns: int) -> None:
        """Write down the planned instants: the first wave comes at the instant `at_ns`."""
        if self._waves is not None:
            for wave in range(self._waves.count):
                self._words[wave, SURGE_PLANNED_NS] = at_ns + wave * self._waves.every_ns

    def came(self, user: int, at_ns: int) -> None:
        """Book that `user` came in for the first time, at the instant `at_ns`."""
        if self._waves is not None:
            self._book(self._waves.wave_of(user), at_ns)

    def leave(self, users: int, planned_ns: int) -> None:
        """Book that so many are to come back together from the instant `planned_ns` on."""
        row = self._words[SURGE_OF_RETURNS]
        row[SURGE_USERS] = users
        row[SURGE_PLANNED_NS] = planned_ns

    def came_back(self, at_ns: int) -> None:
        """Book that one of them is in again, since the instant `at_ns`."""
        self._book(SURGE_OF_RETURNS, at_ns)

    def _book(self, number: int, at_ns: int) -> None:
        row = self._words[number]
        row[SURGE_CAME] += 1
        row[SURGE_LAST_NS] = max(int(row[SURGE_LAST_NS]), at_ns)


@dataclass(frozen=True, slots=True)
class SurgeTotal:
    """One surge, all workers together; instants in nanoseconds."""

    number: int
    users: int
    came: int
    planned_ns: int
    last_ns: int
    """When the latest came in; 0 while nobody is."""


def read_surges(slices: Sequence[WorkerSlice]) -> list[SurgeTotal]:
    """Return the surges that are planned by now, in the order of their rows."""
    tables = np.stack([part.surges for part in slices])
    begun = np.maximum.reduce(tables[:, :, SURGE_PLANNED_NS])
    return [
        SurgeTotal(
            number=int(number),
            users=int(tables[:, number, SURGE_USERS].sum()),
            came=int(tables[:, number, SURGE_CAME].sum()),
            planned_ns=int(begun[number]),
            last_ns=int(tables[:, number, SURGE_LAST_NS].max()),
        )
        for number in np.flatnonzero(begun)
    ]
