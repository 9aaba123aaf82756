from libc.stdint cimport int64_t

# HdrHistogram's log-linear layout for 1 us .. 1 h in nanoseconds, three significant digits: what
# HdrHistogram(1000, 3600000000000, 3) comes to. Storage is one int64 array of HISTOGRAM_WORDS: a
# header, then the counts. All zero is an empty histogram, so fresh shared memory needs no set-up.
cpdef enum:
    HISTOGRAM_COUNT = 0          # values recorded
    HISTOGRAM_MIN = 1            # smallest value, ns; valid when count > 0
    HISTOGRAM_MAX = 2            # largest value, ns
    HISTOGRAM_SUM = 3            # sum of the values, ns, modulo 2**62: read Histogram.total_ns
    HISTOGRAM_CLIPPED = 4        # values outside the range, recorded at its edge
    HISTOGRAM_SUM_CARRY = 5      # times 2**62: the rest of the sum
    HISTOGRAM_HEADER = 8
    HISTOGRAM_UNIT_MAGNITUDE = 9
    HISTOGRAM_SUB_BUCKETS = 2048
    HISTOGRAM_HALF = 1024        # of the sub-buckets: all but the first bucket use the upper half
    HISTOGRAM_BUCKETS = 23
    HISTOGRAM_COUNTS = 24576     # (HISTOGRAM_BUCKETS + 1) * HISTOGRAM_HALF
    HISTOGRAM_WORDS = 24584
    HISTOGRAM_VALUE_BITS = 42    # a value of this many bits still has a counter: up to 73 minutes

# The counter of a value, 0 .. HISTOGRAM_COUNTS - 1; a value outside the range has that of the edge.
cdef int64_t histogram_index(int64_t value_ns) noexcept nogil
# Count one value. One writer per array; readers in other processes need no lock.
cdef void histogram_record(int64_t* words, int64_t value_ns) noexcept nogil
