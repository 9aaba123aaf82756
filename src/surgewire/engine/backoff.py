"""How long to wait before trying again: exponential backoff with full jitter.

Full jitter spreads those that were cut off at one moment over the whole of the wait, so that they
do not come back as one wave (M. Brooker, "Exponential Backoff And Jitter", 2015).
"""

import struct
from hashlib import blake2b

_DRAW = struct.Struct("<QQQ")
_WORD = 1 << 64


class Backoff:
    """Waits between 0 and a bound that doubles with every attempt in vain.

    least_ns: the bound of the first wait; most_ns: what it never exceeds. seed: equal seeds give
    equal waits for equal users.
    """

    def __init__(self, least_ns: int, most_ns: int, *, seed: int) -> None:
        """Wait up to `least_ns` at first, in the end up to `most_ns`."""
        self._least_ns = least_ns
        self._most_ns = most_ns
        self._seed = seed

    @property
    def most_ns(self) -> int:
        """The longest wait, in nanoseconds."""
        return self._most_ns

    def bound_ns(self, failures: int) -> int:
        """Return the longest wait after `failures` attempts in vain, in nanoseconds."""
        # A shift beyond this would be past any bound, and a user may fail for weeks.
        return min(self._most_ns, self._least_ns << min(failures, 62))

    def wait_ns(self, user: int, number: int, failures: int) -> int:
        """Return how long `user` waits the `number`-th time, in nanoseconds."""
        drawn = blake2b(_DRAW.pack(self._seed, user, number), digest_size=8).digest()
        return (self.bound_ns(failures) + 1) * int.from_bytes(drawn, "little") // _WORD
