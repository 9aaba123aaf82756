from libc.stdint cimport int64_t

# Two words that all workers share: connections open now, and the most that ever were.
cdef enum:
    GAUGE_OPEN = 0
    GAUGE_PEAK = 1
    GAUGE_WORDS = 2

cdef void gauge_add(int64_t* words, int64_t change) noexcept nogil
