"""Who has asked to join and waits for the answer."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Generic, TypeVar

Asker = TypeVar("Asker")

JOIN_SETTLES_NS = 1_000_000_000
"""Where no answer is named, a join is taken to have worked this long after it was asked for."""


class Joins(Generic[Asker]):
    """Those that have asked, each of which waits for `wait_ns` at most.

    Pure: instants (ns) in, askers out.
    """

    def __init__(self, wait_ns: int) -> None:
        """Begin with nobody waiting."""
        self._wait_ns = wait_ns
        self._until_ns: dict[Asker, int] = {}

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._until_ns)

    def ask(self, asker: Asker, now_ns: int) -> None:
        """Let `asker` wait from now on."""
        self._until_ns[asker] = now_ns + self._wait_ns

    def settle(self, asker: Asker) -> bool:
        """Let `asker` wait no more; tell whether it did."""
        return self._until_ns.pop(asker, None) is not None

    def overdue(self, now_ns: int) -> Iterator[Asker]:
        """Yield, and let wait no more, those that have waited long enough."""
        # All wait equally long, so that who asked first is first.
        over = takewhile(lambda item: item[1] <= now_ns, self._until_ns.items())
        for asker in [asker for asker, _ in over]:
            # What is done about one may settle another.
            if self.settle(asker):
                yield asker
