from libc.stdint cimport int64_t, uint32_t, uint64_t


cdef enum:
    DELAY_FIXED = 0
    DELAY_EXPONENTIAL = 1
    DELAYS_MOST = 16


# One of several kinds of delay, chosen with a probability.
ctypedef struct delay_t:
    double until                # upper end of this kind's share of 0..1
    int kind
    int64_t delay_ns            # fixed delay, or mean of the exponential


cdef class Delays:
    cdef readonly uint32_t count
    cdef delay_t kinds[DELAYS_MOST]

    # The next delay in ns; 0 where there is none. `state` is that of a splitmix sequence.
    cdef int64_t draw(self, uint64_t* state) noexcept nogil
