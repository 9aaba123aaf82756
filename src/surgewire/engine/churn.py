"""Which user leaves when: a steady share of the connections, chosen evenly.

Pure: instants (ns) in, users out.
"""

import struct
from collections.abc import Callable, Sequence
from hashlib import blake2b

_PPM = 1_000_000
_DRAW = struct.Struct("<QQ")


class Churn:
    """The planned leaves of one worker's users.

    connections, workers, worker: the sizes of the run and the worker's number, from which follows
    which of the run's leaves are this worker's. share_ppm: parts in a million of all connections
    that leave in every `per_ns`. Every user leaves once before one leaves twice, in an order that
    `seed` decides; who is not there when its turn comes is passed over.
    """

    def __init__(
        self,
        users: Sequence[int],
        *,
        connections: int,
        workers: int,
        worker: int,
        share_ppm: int,
        per_ns: int,
        seed: int,
    ) -> None:
        """Plan; nobody leaves before `start`."""
        self._order = sorted(users, key=lambda user: _lot(seed, user))
        self._place = 0
        self._workers = workers
        self._number = worker
        self._numerator = per_ns * _PPM
        self._denominator = share_ppm * connections
        self._start_ns = 0

    def start(self, at_ns: int) -> None:
        """Count the planned instants from `at_ns` on."""
        self._start_ns = at_ns

    @property
    def next_ns(self) -> int:
        """The planned instant of the next leave."""
        return self._start_ns + (self._number + 1) * self._numerator // self._denominator

    def take(self, now_ns: int, is_there: Callable[[int], bool]) -> list[int]:
        """Return the users that leave by now; `is_there` tells who can."""
        leaving: list[int] = []
        while self.next_ns <= now_ns:
            self._number += self._workers
            user = self._choose(lambda user: user not in leaving and is_there(user))
            if user is not None:
                leaving.append(user)
        return leaving

    def _choose(self, may_leave: Callable[[int], bool]) -> int | None:
        for _ in self._order:
            user = self._order[self._place]
            self._place = (self._place + 1) % len(self._order)
            if may_leave(user):
                return user
        return None


def _lot(seed: int, user: int) -> bytes:
    return blake2b(_DRAW.pack(seed, user), digest_size=8).digest()
