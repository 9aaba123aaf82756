from libc.stdint cimport uint32_t, uint64_t

# How an arrival was booked.
cdef enum:
    LEDGER_DELIVERED = 0        # in order, for the first time
    LEDGER_REORDERED = 1        # delivered, after a higher number of its stream
    LEDGER_DUPLICATED = 2
    LEDGER_NOT_EXPECTED = 3     # never sent, or the window is closed
    LEDGER_TOO_OLD = 4          # the window moved past it: lost until now, or a duplicate
    LEDGER_BEFORE_JOIN = 5      # below the number from which on this receiver was to hear

# How a receiver ends.
cdef enum:
    LEDGER_DRAINED = 0          # the drain is over: what is missing is lost
    LEDGER_CUT_OFF = 1          # above the highest received: lost to disconnect
    LEDGER_LEFT = 2             # above the highest received: in flight at leave, not expected

# Order of the counters in the memory that the caller hands in.
cdef enum:
    LEDGER_SENT = 0
    LEDGER_EXPECTED = 1
    LEDGER_DELIVERED_COUNT = 2
    LEDGER_LOST = 3
    LEDGER_LOST_TO_DISCONNECT = 4
    LEDGER_IN_FLIGHT_AT_LEAVE = 5
    LEDGER_DUPLICATED_COUNT = 6
    LEDGER_REORDERED_COUNT = 7
    LEDGER_LATE = 8
    LEDGER_FOREIGN = 9
    LEDGER_DAMAGED = 10
    LEDGER_UNMARKED = 11        # messages without any marker
    LEDGER_MISROUTED = 12       # a marker of this run that this receiver was not to hear
    LEDGER_TOO_OLD_COUNT = 13
    LEDGER_WARMUP_SENT = 14
    LEDGER_WARMUP_DELIVERED = 15
    LEDGER_BEFORE_JOIN_COUNT = 16
    LEDGER_COMPLETE = 17        # messages that reached all who were to hear them
    LEDGER_COUNTERS = 18

ctypedef struct ledger_window_t:
    uint64_t base               # every number below is booked; 0 when closed
    uint64_t first              # the number from which on the receiver hears the stream
    uint32_t above              # highest received + 1 - base; 0 when that is below base
    uint32_t sound              # this many numbers right below base were all booked as come

cdef class Ledger:
    """Windows of one worker: one for each (receiver, stream) that it can hear."""
    cdef readonly uint32_t windows
    cdef readonly uint32_t window_bits      # a power of two, at least 64
    cdef readonly uint32_t rows             # of counters, LEDGER_COUNTERS each
    cdef uint32_t words                     # window_bits / 64
    cdef uint64_t* counts                   # counts[row * LEDGER_COUNTERS + counter]
    cdef void* memory
    cdef uint64_t* window                   # of each window: ledger_window_t, then its ring of bits
    cdef size_t stride                      # words from one window to the next
    cdef object counts_owner

    # The receiver hears the stream from number `first` (at least 1) on. The window is closed.
    cdef void open(self, uint32_t window, uint64_t first) noexcept nogil
    # One message was sent that `receivers` receivers should hear.
    cdef void sent(self, uint32_t row, uint64_t receivers) noexcept nogil
    cdef int arrived(
        self, uint32_t window, uint32_t row, uint64_t sequence, uint64_t last_sent, bint late
    ) noexcept nogil
    # The receiver is not to hear this number, which was sent and counted as expected: one less is
    # expected, and it is never missing. What is booked already, or not open, is left alone.
    cdef void exclude(self, uint32_t window, uint32_t row, uint64_t sequence) noexcept nogil
    # The receiver ends; `last_sent` is the last number of the stream sent while it heard it.
    # A window that is not open is left alone.
    cdef void close(
        self, uint32_t window, uint32_t row, uint64_t last_sent, int how
    ) noexcept nogil

    # Fetch `count` windows into the cache: one of them is to be booked soon, and which one is not
    # known yet.
    cdef void prefetch(self, uint32_t window, uint32_t count) noexcept nogil

    cdef ledger_window_t* at(self, uint32_t window) noexcept nogil
    cdef uint64_t slide(self, ledger_window_t* w, uint64_t base) noexcept nogil
    cdef uint32_t _checked(self, window) except? 4294967295
    cdef uint32_t _checked_row(self, row) except? 4294967295
