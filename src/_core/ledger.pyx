"""The account of deliveries: exact, and in memory that does not grow.

The messages of a stream are numbered 1, 2, 3 … A window is what one receiver keeps about one
stream: which of the last `window_bits` numbers up to the highest received have arrived, as a ring
of bits. When a number runs ahead, the window moves up behind it, and numbers that leave it without
having arrived are lost. Once every window is closed,

    expected = delivered + lost + lost_to_disconnect

where a message counts once for each receiver that was to hear it.

An arrival is booked as the first of these that fits:

- misrouted: below the receiver's first number, above the last one sent, or the window is closed.
- duplicated: it has arrived before.
- too old: its number has left the window, which was not complete there. It was booked as lost and
  stays so; or it may be a duplicate of a delivered one, which nobody can tell any more. Where this
  is not 0 the window was too small for the target, and `lost` is to be doubted.
- delivered: and also reordered when a higher number came before it, late when the caller says so.

Memory: 32 bytes + window_bits / 8 for each window, from calloc, so that windows never opened take
none. The counts are in memory of the caller, in the order of COUNTERS.
"""

from cython cimport final
from libc.stdint cimport UINT32_MAX, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

cdef extern from *:
    int popcount "__builtin_popcountll"(unsigned long long bits) nogil
    int leading_zeros "__builtin_clzll"(unsigned long long bits) nogil

DELIVERED = LEDGER_DELIVERED
REORDERED = LEDGER_REORDERED
DUPLICATED = LEDGER_DUPLICATED
NOT_EXPECTED = LEDGER_NOT_EXPECTED
TOO_OLD = LEDGER_TOO_OLD

DRAINED = LEDGER_DRAINED
CUT_OFF = LEDGER_CUT_OFF
LEFT = LEDGER_LEFT

COUNTERS = (
    "sent",
    "expected",
    "delivered",
    "lost",
    "lost_to_disconnect",
    "in_flight_at_leave",
    "duplicated",
    "reordered",
    "late",
    "foreign",
    "damaged",
    "unmarked",
    "misrouted",
    "too_old",
    "warmup_sent",
    "warmup_delivered",
)


cdef uint64_t _number(str name, value, int lowest) except? 0:
    # The sums of the native code are safe up to here; a marker carries 40 bits.
    if not lowest <= value < 1 << 63:
        raise ValueError(f"{name} is {value}; it must lie in {lowest} to 2**63 - 1")
    return value


@final
cdef class Ledger:
    """Books what is sent and what arrives, in `windows` windows of `window_bits` numbers each.

    `counts` is a writable buffer of uint64, one for each name in COUNTERS, which the ledger only
    adds to (and takes off `sent` and `expected`); foreign, damaged, unmarked and the two of the
    warm-up are for the caller to count. Raises ValueError when a figure or the buffer does not
    fit, MemoryError when the windows cannot be had.
    """

    def __cinit__(self, windows, window_bits, counts):
        cdef uint64_t[::1] view = counts
        if view.shape[0] != LEDGER_COUNTERS:
            raise ValueError(f"counts has {view.shape[0]} places; it must have {LEDGER_COUNTERS}")
        if not 1 <= windows < UINT32_MAX:
            raise ValueError(f"windows is {windows}; it must lie in 1 to {UINT32_MAX - 1}")
        if not 64 <= window_bits <= 1 << 24 or window_bits & (window_bits - 1):
            raise ValueError(f"window_bits is {window_bits}; use a power of two, 64 to 2**24")
        self.windows = windows
        self.window_bits = window_bits
        self.words = window_bits // 64
        self.counts_owner = memoryview(counts)
        self.counts = &view[0]
        self.window = <ledger_window_t*>calloc(self.windows, sizeof(ledger_window_t))
        self.bits = <uint64_t*>calloc(self.windows, self.words * sizeof(uint64_t))
        if self.window == NULL or self.bits == NULL:
            raise MemoryError(f"no memory for {windows} windows of {window_bits} bits")

    def __dealloc__(self):
        free(self.window)
        free(self.bits)

    cdef void open(self, uint32_t window, uint64_t first) noexcept nogil:
        cdef ledger_window_t* w = &self.window[window]
        w.base = first
        w.highest = first - 1
        w.first = first
        w.sound = first

    cdef void sent(self, uint64_t receivers) noexcept nogil:
        self.counts[LEDGER_SENT] += 1
        self.counts[LEDGER_EXPECTED] += receivers

    cdef int arrived(
        self, uint32_t window, uint64_t sequence, uint64_t last_sent, bint late
    ) noexcept nogil:
        cdef ledger_window_t* w = &self.window[window]
        cdef uint64_t bit = <uint64_t>1 << (sequence & 63)
        cdef uint64_t* word
        if sequence < w.first or sequence > last_sent or w.base == 0:
            self.counts[LEDGER_MISROUTED] += 1
            return LEDGER_NOT_EXPECTED
        if sequence < w.base:
            if sequence >= w.sound:
                self.counts[LEDGER_DUPLICATED_COUNT] += 1
                return LEDGER_DUPLICATED
            self.counts[LEDGER_TOO_OLD_COUNT] += 1
            return LEDGER_TOO_OLD
        if sequence - w.base >= self.window_bits:
            self.counts[LEDGER_LOST] += self.slide(window, sequence - self.window_bits + 1)
        word = self.bits + <size_t>window * self.words + (sequence >> 6 & self.words - 1)
        if word[0] & bit:
            self.counts[LEDGER_DUPLICATED_COUNT] += 1
            return LEDGER_DUPLICATED
        word[0] |= bit
        self.counts[LEDGER_DELIVERED_COUNT] += 1
        if late:
            self.counts[LEDGER_LATE] += 1
        if sequence > w.highest:
            w.highest = sequence
            return LEDGER_DELIVERED
        self.counts[LEDGER_REORDERED_COUNT] += 1
        return LEDGER_REORDERED

    cdef uint64_t slide(self, uint32_t window, uint64_t base) noexcept nogil:
        """Move the window up to `base`; return how many numbers left it without having arrived."""
        cdef ledger_window_t* w = &self.window[window]
        cdef uint64_t* bits = self.bits + <size_t>window * self.words
        cdef uint64_t number = w.base
        cdef uint64_t end = min(base, w.highest + 1)
        cdef uint64_t missing = base - end      # above the highest received
        cdef uint64_t span, unset
        cdef uint64_t* word
        while number < end:
            span = ~<uint64_t>0 << (number & 63)
            if (number | 63) >= end:
                span &= ((<uint64_t>1 << (end & 63)) - 1)
            word = bits + (number >> 6 & self.words - 1)
            unset = ~word[0] & span
            word[0] &= ~span
            if unset:
                missing += popcount(unset)
                w.sound = (number | 63) - leading_zeros(unset) + 1
            number = (number | 63) + 1
        if base > end:
            w.sound = base
        w.base = base
        return missing

    cdef void close(self, uint32_t window, uint64_t last_sent, int how) noexcept nogil:
        cdef ledger_window_t* w = &self.window[window]
        cdef uint64_t above
        if w.base == 0:
            return
        above = last_sent - w.highest if last_sent > w.highest else 0
        self.counts[LEDGER_LOST] += self.slide(window, w.highest + 1)
        w.base = 0
        if how == LEDGER_CUT_OFF:
            self.counts[LEDGER_LOST_TO_DISCONNECT] += above
        elif how == LEDGER_LEFT:
            self.counts[LEDGER_IN_FLIGHT_AT_LEAVE] += above
            self.counts[LEDGER_EXPECTED] -= above
        else:
            self.counts[LEDGER_LOST] += above

    def open_window(self, window, first):
        """The receiver of `window` hears its stream from number `first` (1 or more) on.

        Raises ValueError when the window is open already.
        """
        if self.window[self._checked(window)].base != 0:
            raise ValueError(f"window {window} is open; close it before it is opened again")
        self.open(window, _number("first", first, 1))

    def book_sent(self, uint64_t receivers=1):
        """Book a message sent that `receivers` receivers are to hear."""
        self.sent(receivers)

    def book_arrival(self, window, sequence, last_sent, bint late=False):
        """Book an arrival of number `sequence` where `last_sent` is the last one sent by now.

        Returns DELIVERED, REORDERED (delivered too), DUPLICATED, NOT_EXPECTED or TOO_OLD. Raises
        ValueError for a sequence of 0, which marks warm-up and is not for the ledger.
        """
        return self.arrived(
            self._checked(window), _number("sequence", sequence, 1),
            _number("last_sent", last_sent, 0), late,
        )

    def close_window(self, window, last_sent, how):
        """The receiver ends; `last_sent` is the last number sent while it heard the stream.

        What is missing below the highest number received is lost. Above it: lost too if the
        receiver was DRAINED, lost to disconnect if it was CUT_OFF, in flight and not expected if
        it LEFT. A window that is not open is left alone.
        """
        if how not in (DRAINED, CUT_OFF, LEFT):
            raise ValueError(f"how is {how!r}; it must be DRAINED, CUT_OFF or LEFT")
        self.close(self._checked(window), _number("last_sent", last_sent, 0), how)

    cdef uint32_t _checked(self, window) except? 4294967295:
        if not 0 <= window < self.windows:
            raise ValueError(f"window is {window}; it must lie in 0 to {self.windows - 1}")
        return window
