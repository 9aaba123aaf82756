"""The ledger's definitions, carried out with sets and without a thought for memory."""

from collections import Counter
from collections.abc import Set as AbstractSet


class Stream:
    """What one receiver has got of one stream, from the number `first` on.

    window: how many numbers up to the highest received are told apart; None: all.
    """

    def __init__(self, first: int, window: int | None = None) -> None:
        self.first, self.window = first, window
        self.got: set[int] = set()
        self.highest = first - 1

    def arrive(self, number: int) -> str:
        """Book an arrival; return what it is."""
        if number < self.first:
            return "before_join"
        if number < self._oldest():
            # Known for a duplicate as long as nothing is missing from it on.
            sound = all(n in self.got for n in range(number, self._oldest()))
            return "duplicated" if sound else "too_old"
        if number in self.got:
            return "duplicated"
        self.got.add(number)
        if number < self.highest:
            return "reordered"
        self.highest = number
        return "delivered"

    def missing(self, last: int, own: AbstractSet[int], how: str) -> Counter[str]:
        """Tell what became of the numbers that have not come; its own are not for a receiver."""
        books: Counter[str] = Counter()
        for number in range(self.first, last + 1):
            if number not in self.got and number not in own:
                books[fate_of_missing(number, self.highest, how)] += 1
        return books

    def _oldest(self) -> int:
        return (
            self.first if self.window is None else max(self.first, self.highest - self.window + 1)
        )


def fate_of_missing(number: int, highest: int, how: str) -> str:
    """Tell how a number is booked that has not come until a receiver ended in this way."""
    if number < highest or how == "drained":
        return "lost"
    return "lost_to_disconnect" if how == "cut_off" else "in_flight_at_leave"
