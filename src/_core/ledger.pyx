"""The account of deliveries: exact, and in memory that does not grow.

The messages of a stream are numbered 1, 2, 3 … A window is what one receiver keeps about one
stream: which of the last `window_bits` numbers up to the highest received have arrived, as a ring
of bits. When a number runs ahead, the window moves up behind it, and numbers that leave it without
having arrived are lost. Once every window is closed,

    expected = delivered + lost + lost_to_disconnect

where a message counts once for each receiver that was to hear it.

An arrival is booked as the first of these that fits:

- misrouted: above the last number sent, or the window is closed.
- before join: below the receiver's first number. The server let it in before it told it so.
- duplicated: it has arrived before.
- too old: its number has left the window, which was not complete there. It was booked as lost and
  stays so; or it may be a duplicate of a delivered one, which nobody can tell any more. Where this
  is not 0 the window was too small for the target, and `lost` is to be doubted.
- delivered: and also reordered when a higher number came before it, late when the caller says so.

A sender that is not to hear itself excludes its own numbers: they stand in the ring like numbers
that came, also above the highest received, and are never missing.

Memory: 24 bytes + window_bits / 8 for each window, side by side, so that an arrival meets one cache
line; from calloc, so that windows never opened take none. The counts are in memory of the caller,
in rows (one for each room) of counters in the order of COUNTERS.
"""

from cython cimport final
from libc.stdint cimport UINT32_MAX, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free

cdef extern from *:
    int popcount "__builtin_popcountll"(unsigned long long bits) nogil
    void fetch "__builtin_prefetch"(const void* address) nogil
    int leading_zeros "__builtin_clzll"(unsigned long long bits) nogil

DELIVERED = LEDGER_DELIVERED
REORDERED = LEDGER_REORDERED
DUPLICATED = LEDGER_DUPLICATED
NOT_EXPECTED = LEDGER_NOT_EXPECTED
TOO_OLD = LEDGER_TOO_OLD
BEFORE_JOIN = LEDGER_BEFORE_JOIN

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
    "before_join",
    "complete",
)

cdef enum:
    WINDOW_WORDS = sizeof(ledger_window_t) // sizeof(uint64_t)
    CACHE_LINE_BYTES = 64


cdef uint64_t _number(str name, value, int lowest) except? 0:
    # The sums of the native code are safe up to here; a marker carries 40 bits.
    if not lowest <= value < 1 << 63:
        raise ValueError(f"{name} is {value}; it must lie in {lowest} to 2**63 - 1")
    return value


@final
cdef class Ledger:
    """Books what is sent and what arrives, in `windows` windows of `window_bits` numbers each.

    `counts` is a writable buffer of uint64, one for each name in COUNTERS, or contiguous rows of
    them, which the ledger only adds to (and takes off `sent` and `expected`); foreign, damaged,
    unmarked, complete and the two of the warm-up are for the caller to count. Raises ValueError
    when a figure or the buffer does not fit, MemoryError when the windows cannot be had.
    """

    def __cinit__(self, windows, window_bits, counts):
        cdef uint64_t[::1] one_row
        cdef uint64_t[:, ::1] table
        cdef size_t places
        self.counts_owner = memoryview(counts)
        if self.counts_owner.ndim == 1:
            one_row = counts
            self.rows, places = 1, <size_t>one_row.shape[0]
        else:
            table = counts
            self.rows, places = <uint32_t>table.shape[0], <size_t>table.shape[1]
        if self.rows == 0:
            raise ValueError("counts has no row; it must have at least one")
        if places != LEDGER_COUNTERS:
            raise ValueError(f"counts has {places} places; it must have {LEDGER_COUNTERS}")
        if not 1 <= windows < UINT32_MAX:
            raise ValueError(f"windows is {windows}; it must lie in 1 to {UINT32_MAX - 1}")
        if not 64 <= window_bits <= 1 << 24 or window_bits & (window_bits - 1):
            raise ValueError(f"window_bits is {window_bits}; use a power of two, 64 to 2**24")
        self.counts = &one_row[0] if self.counts_owner.ndim == 1 else &table[0, 0]
        self.windows = windows
        self.window_bits = window_bits
        self.words = window_bits // 64
        self.stride = WINDOW_WORDS + self.words
        # Two windows more than there are, at least 64 bytes: aligning takes up to that.
        self.memory = calloc(<size_t>self.windows + 2, self.stride * sizeof(uint64_t))
        if self.memory == NULL:
            raise MemoryError(f"no memory for {windows} windows of {window_bits} bits")
        self.window = <uint64_t*>(
            (<uintptr_t>self.memory + CACHE_LINE_BYTES - 1) & ~<uintptr_t>(CACHE_LINE_BYTES - 1)
        )

    def __dealloc__(self):
        free(self.memory)

    cdef ledger_window_t* at(self, uint32_t window) noexcept nogil:
        return <ledger_window_t*>(self.window + window * self.stride)

    cdef void prefetch(self, uint32_t window, uint32_t count) noexcept nogil:
        cdef uint32_t i
        for i in range(count):
            fetch(self.at(window + i))

    cdef void open(self, uint32_t window, uint64_t first) noexcept nogil:
        cdef ledger_window_t* w = self.at(window)
        w.base = first
        w.first = first
        w.above = 0
        w.sound = 0

    cdef void sent(self, uint32_t row, uint64_t receivers) noexcept nogil:
        cdef uint64_t* counts = self.counts + <size_t>row * LEDGER_COUNTERS
        counts[LEDGER_SENT] += 1
        counts[LEDGER_EXPECTED] += receivers

    cdef int arrived(
        self, uint32_t window, uint32_t row, uint64_t sequence, uint64_t last_sent, bint late
    ) noexcept nogil:
        cdef ledger_window_t* w = self.at(window)
        cdef uint64_t* counts = self.counts + <size_t>row * LEDGER_COUNTERS
        cdef uint64_t bit = <uint64_t>1 << (sequence & 63)
        cdef uint64_t* word
        if sequence > last_sent or w.base == 0:
            counts[LEDGER_MISROUTED] += 1
            return LEDGER_NOT_EXPECTED
        if sequence < w.first:
            counts[LEDGER_BEFORE_JOIN_COUNT] += 1
            return LEDGER_BEFORE_JOIN
        if sequence < w.base:
            if w.base - sequence <= w.sound:
                counts[LEDGER_DUPLICATED_COUNT] += 1
                return LEDGER_DUPLICATED
            counts[LEDGER_TOO_OLD_COUNT] += 1
            return LEDGER_TOO_OLD
        if sequence - w.base >= self.window_bits:
            counts[LEDGER_LOST] += self.slide(w, sequence - self.window_bits + 1)
        word = <uint64_t*>(w + 1) + (sequence >> 6 & self.words - 1)
        if word[0] & bit:
            counts[LEDGER_DUPLICATED_COUNT] += 1
            return LEDGER_DUPLICATED
        word[0] |= bit
        counts[LEDGER_DELIVERED_COUNT] += 1
        if late:
            counts[LEDGER_LATE] += 1
        if sequence - w.base >= w.above:
            w.above = <uint32_t>(sequence - w.base) + 1
            return LEDGER_DELIVERED
        counts[LEDGER_REORDERED_COUNT] += 1
        return LEDGER_REORDERED

    cdef void exclude(self, uint32_t window, uint32_t row, uint64_t sequence) noexcept nogil:
        cdef ledger_window_t* w = self.at(window)
        cdef uint64_t* counts = self.counts + <size_t>row * LEDGER_COUNTERS
        cdef uint64_t bit = <uint64_t>1 << (sequence & 63)
        cdef uint64_t* word
        if w.base == 0 or sequence < w.base:
            return
        if sequence - w.base >= self.window_bits:
            counts[LEDGER_LOST] += self.slide(w, sequence - self.window_bits + 1)
        word = <uint64_t*>(w + 1) + (sequence >> 6 & self.words - 1)
        if not word[0] & bit:
            word[0] |= bit
            counts[LEDGER_EXPECTED] -= 1

    cdef uint64_t slide(self, ledger_window_t* w, uint64_t base) noexcept nogil:
        """Move the window up to `base`; return how many numbers left it that had not been booked.

        Above the highest received there may be excluded numbers: all of the ring is looked at.
        """
        cdef uint64_t* bits = <uint64_t*>(w + 1)
        cdef uint64_t number = w.base
        cdef uint64_t end = min(base, w.base + self.window_bits)
        cdef uint64_t missing = base - end      # beyond the ring
        cdef uint64_t sound = w.sound + (base - w.base)
        cdef uint64_t span, unset
        cdef uint64_t* word
        while number < end:
            span = ~<uint64_t>0 << (number & 63)
            if (number | 63) >= end:
                span &= ((<uint64_t>1 << (end & 63)) - 1)
            word = bits + (number >> 6 & self.words - 1)
            unset = ~word[0] & span
            if unset != span:                   # a page that nobody wrote shall stay so
                word[0] &= ~span
            if unset:
                missing += popcount(unset)
                sound = base - 1 - ((number | 63) - leading_zeros(unset))
            number = (number | 63) + 1
        if base > end:
            sound = 0
        w.sound = <uint32_t>min(sound, <uint64_t>UINT32_MAX)
        w.above -= <uint32_t>min(<uint64_t>w.above, base - w.base)
        w.base = base
        return missing

    cdef void close(
        self, uint32_t window, uint32_t row, uint64_t last_sent, int how
    ) noexcept nogil:
        cdef ledger_window_t* w = self.at(window)
        cdef uint64_t* counts = self.counts + <size_t>row * LEDGER_COUNTERS
        cdef uint64_t above
        if w.base == 0:
            return
        counts[LEDGER_LOST] += self.slide(w, w.base + w.above)
        above = self.slide(w, max(w.base, last_sent + 1))
        self.slide(w, w.base + self.window_bits)    # what was excluded above: the ring is clean
        w.base = 0
        if how == LEDGER_CUT_OFF:
            counts[LEDGER_LOST_TO_DISCONNECT] += above
        elif how == LEDGER_LEFT:
            counts[LEDGER_IN_FLIGHT_AT_LEAVE] += above
            counts[LEDGER_EXPECTED] -= above
        else:
            counts[LEDGER_LOST] += above

    def open_window(self, window, first):
        """The receiver of `window` hears its stream from number `first` (1 or more) on.

        Raises ValueError when the window is open already.
        """
        cdef uint32_t number = self._checked(window)
        if self.at(number).base != 0:
            raise ValueError(f"window {window} is open; close it before it is opened again")
        self.open(number, _number("first", first, 1))

    def book_sent(self, uint64_t receivers=1, row=0):
        """Book a message sent that `receivers` receivers are to hear."""
        self.sent(self._checked_row(row), receivers)

    def book_arrival(self, window, sequence, last_sent, bint late=False, row=0):
        """Book an arrival of number `sequence` where `last_sent` is the last one sent by now.

        Returns DELIVERED, REORDERED (delivered too), DUPLICATED, NOT_EXPECTED, TOO_OLD or
        BEFORE_JOIN. Raises ValueError for a sequence of 0, which marks warm-up and is not for the
        ledger.
        """
        return self.arrived(
            self._checked(window), self._checked_row(row), _number("sequence", sequence, 1),
            _number("last_sent", last_sent, 0), late,
        )

    def exclude_number(self, window, sequence, row=0):
        """Number `sequence`, which was sent, is the receiver's own and not to come back to it.

        One less is expected. What the receiver was not to hear anyhow, and what is booked already,
        is left alone.
        """
        self.exclude(
            self._checked(window), self._checked_row(row), _number("sequence", sequence, 1)
        )

    def close_window(self, window, last_sent, how, row=0):
        """The receiver ends; `last_sent` is the last number sent while it heard the stream.

        What is missing below the highest number received is lost. Above it: lost too if the
        receiver was DRAINED, lost to disconnect if it was CUT_OFF, in flight and not expected if
        it LEFT. A window that is not open is left alone.
        """
        if how not in (DRAINED, CUT_OFF, LEFT):
            raise ValueError(f"how is {how!r}; it must be DRAINED, CUT_OFF or LEFT")
        self.close(
            self._checked(window), self._checked_row(row), _number("last_sent", last_sent, 0), how
        )

    cdef uint32_t _checked(self, window) except? 4294967295:
        if not 0 <= window < self.windows:
            raise ValueError(f"window is {window}; it must lie in 0 to {self.windows - 1}")
        return window

    cdef uint32_t _checked_row(self, row) except? 4294967295:
        if not 0 <= row < self.rows:
            raise ValueError(f"row is {row}; it must lie in 0 to {self.rows - 1}")
        return row
