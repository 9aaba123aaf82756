from libc.stdint cimport int64_t, uint64_t

# HdrHistogram's log-linear layout for 1 us .. 1 h in nanoseconds, three significant digits.
# Storage is one int64 array of HISTOGRAM_WORDS: a header, then the counts.
cdef enum:
    HISTOGRAM_COUNT = 0          # values recorded
    HISTOGRAM_MIN = 1            # smallest value, ns; valid when count > 0
    HISTOGRAM_MAX = 2            # largest value, ns
    HISTOGRAM_SUM = 3            # sum of the values, ns
    HISTOGRAM_CLIPPED = 4        # values outside the range, recorded at its edge
    HISTOGRAM_HEADER = 8
    HISTOGRAM_UNIT_MAGNITUDE = 9
    HISTOGRAM_SUB_BUCKETS = 2048
    HISTOGRAM_BUCKETS = 23
    HISTOGRAM_COUNTS = 24576     # (HISTOGRAM_BUCKETS + 1) * HISTOGRAM_SUB_BUCKETS / 2
    HISTOGRAM_WORDS = 24584

cdef int64_t histogram_index(int64_t value_ns) noexcept nogil
cdef void histogram_record(int64_t* words, int64_t value_ns) noexcept nogil
