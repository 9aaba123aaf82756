"""How long an embedded target holds messages back: fixed, exponential, or a mix by chance."""

from libc.math cimport log
from libc.stdint cimport int64_t, uint32_t, uint64_t

from surgewire._core.splitmix cimport splitmix_next, splitmix_unit


cdef class Delays:
    """A distribution of delays.

    delays: up to 16 tuples (share, "fixed" or "exponential", delay or mean in ns); the shares are
    weights, and none at all means no delay. Raises ValueError for delays that make no sense.
    """

    def __cinit__(self, delays=()):
        cdef double until = 0
        delays = tuple(delays)
        if len(delays) > DELAYS_MOST:
            raise ValueError(f"at most {DELAYS_MOST} delays, not {len(delays)}")
        for share, kind, delay_ns in delays:
            if share <= 0 or delay_ns < 0 or kind not in ("fixed", "exponential"):
                raise ValueError(f"no delay: {(share, kind, delay_ns)!r}")
        total = sum(share for share, _, _ in delays)
        for share, kind, delay_ns in delays:
            until += share / total
            self.kinds[self.count].until = until
            self.kinds[self.count].kind = DELAY_FIXED if kind == "fixed" else DELAY_EXPONENTIAL
            self.kinds[self.count].delay_ns = delay_ns
            self.count += 1

    cdef int64_t draw(self, uint64_t* state) noexcept nogil:
        cdef uint32_t i = 0
        cdef double u
        if self.count == 0:
            return 0
        if self.count > 1:
            u = splitmix_unit(splitmix_next(state))
            while i < self.count - 1 and u > self.kinds[i].until:
                i += 1
        if self.kinds[i].kind == DELAY_FIXED:
            return self.kinds[i].delay_ns
        u = splitmix_unit(splitmix_next(state))
        return <int64_t>(-log(u) * <double>self.kinds[i].delay_ns)

    def draws(self, uint64_t seed, size_t count):
        """Return the first `count` delays in ns of the sequence that begins with `seed`."""
        return [self.draw(&seed) for _ in range(count)]
