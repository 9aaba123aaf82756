"""Histograms of durations over memory that the caller hands in.

The layout is HdrHistogram's (http://hdrhistogram.org): buckets that double in width, each split
into linear sub-buckets, so that every value keeps three significant digits. Layout and storage are
apart: the words may lie in a numpy array or in a map shared by processes, and all bytes zero is an
empty histogram. Files exchange histograms in HdrHistogram's V2 compressed encoding.
"""

import numpy as np

from surgewire._core.hdr_codec import decode_counts, encode_counts

cimport cython
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

cdef extern from *:
    """
    #define HIGHEST_RECORDABLE_NS (((int64_t)1 << 42) - 1)
    /* The low word of a sum stays below this, so that adding a value or a sum cannot overflow. */
    #define SUM_MODULUS ((int64_t)1 << 62)
    """
    const int64_t HIGHEST_RECORDABLE_NS
    const int64_t SUM_MODULUS
    int clzll "__builtin_clzll"(unsigned long long) noexcept nogil
    bint unlikely "__builtin_expect"(bint, bint) noexcept nogil


cdef inline int64_t slot_of(int64_t value_ns) noexcept nogil:
    cdef uint64_t units = <uint64_t>value_ns >> HISTOGRAM_UNIT_MAGNITUDE
    cdef int bucket = 53 - clzll(units | (HISTOGRAM_SUB_BUCKETS - 1))
    return bucket * HISTOGRAM_HALF + <int64_t>(units >> bucket)


cdef inline int64_t clip(int64_t value_ns) noexcept nogil:
    return 0 if value_ns < 0 else HIGHEST_RECORDABLE_NS


cdef int64_t histogram_index(int64_t value_ns) noexcept nogil:
    if unlikely(<uint64_t>value_ns >> HISTOGRAM_VALUE_BITS != 0, 0):
        value_ns = clip(value_ns)
    return slot_of(value_ns)


cdef void histogram_record(int64_t* words, int64_t value_ns) noexcept nogil:
    if unlikely(<uint64_t>value_ns >> HISTOGRAM_VALUE_BITS != 0, 0):
        value_ns = clip(value_ns)
        words[HISTOGRAM_CLIPPED] += 1
    if value_ns > words[HISTOGRAM_MAX]:
        words[HISTOGRAM_MAX] = value_ns
    if value_ns < words[HISTOGRAM_MIN] or words[HISTOGRAM_COUNT] == 0:
        words[HISTOGRAM_MIN] = value_ns
    add_to_sum(words, value_ns)
    words[HISTOGRAM_HEADER + slot_of(value_ns)] += 1
    words[HISTOGRAM_COUNT] += 1


cdef inline void add_to_sum(int64_t* words, int64_t value_ns) noexcept nogil:
    cdef int64_t total = words[HISTOGRAM_SUM] + value_ns
    if unlikely(total >= SUM_MODULUS, 0):
        total -= SUM_MODULUS
        words[HISTOGRAM_SUM_CARRY] += 1
    words[HISTOGRAM_SUM] = total


cdef int64_t shift_of(int64_t index) noexcept nogil:
    cdef int64_t bucket = index // HISTOGRAM_HALF - 1
    return HISTOGRAM_UNIT_MAGNITUDE + (bucket if bucket > 0 else 0)


cdef int64_t lowest_of(int64_t index) noexcept nogil:
    if index < HISTOGRAM_SUB_BUCKETS:
        return index << HISTOGRAM_UNIT_MAGNITUDE
    return (index % HISTOGRAM_HALF + HISTOGRAM_HALF) << shift_of(index)


cdef int64_t highest_of(int64_t index) noexcept nogil:
    return lowest_of(index) + (<int64_t>1 << shift_of(index)) - 1


def index_of(int64_t value_ns):
    """Return the index of the counter that a value of `value_ns` nanoseconds is recorded in."""
    return histogram_index(value_ns)


def bounds_of(int64_t index):
    """Return the lowest and the highest value, in ns, that the counter at `index` stands for.

    Raises IndexError outside 0 .. HISTOGRAM_COUNTS - 1.
    """
    if not 0 <= index < HISTOGRAM_COUNTS:
        raise IndexError(f"counter {index} is outside 0 .. {HISTOGRAM_COUNTS - 1}")
    return lowest_of(index), highest_of(index)


def view_words(buffer):
    """Return `buffer` as a numpy int64 array of HISTOGRAM_WORDS over the same memory.

    `buffer` holds int64 words or plain bytes, as a map does. Raises TypeError when it holds
    anything else, ValueError when its size is not that of one histogram.
    """
    view = memoryview(buffer)
    if not view.c_contiguous:
        raise ValueError("the memory of a histogram must be contiguous")
    if view.format not in ("l", "q", "B", "b", "c"):
        raise TypeError(f"a histogram needs int64 words or bytes, not items of {view.format!r}")
    if view.nbytes != HISTOGRAM_WORDS * 8:
        raise ValueError(
            f"a histogram takes {HISTOGRAM_WORDS} int64 words ({HISTOGRAM_WORDS * 8} bytes),"
            f" not {view.nbytes} bytes"
        )
    return np.frombuffer(view, dtype=np.int64)


def total_of(words):
    """Return the exact sum, in ns, of the values recorded in `words`."""
    return int(words[HISTOGRAM_SUM]) + (int(words[HISTOGRAM_SUM_CARRY]) << 62)


def sparse_delta(previous, current):
    """Return what came into a histogram between two snapshots of its words.

    The answer is `(indices, counts, total_ns, clipped, min_ns, max_ns)`: indices as little-endian
    int32 bytes and what their counters grew by as little-endian int64 bytes; sum and clipped as
    differences; min and max as `current` has them. Raises ValueError when a counter shrank.
    """
    before = view_words(previous)
    after = view_words(current)
    grown = after[HISTOGRAM_HEADER:] - before[HISTOGRAM_HEADER:]
    indices = np.flatnonzero(grown)
    counts = grown[indices]
    if counts.size and counts.min() < 0:
        raise ValueError("a counter shrank: the second snapshot is not a later state of the first")
    return (
        indices.astype("<i4").tobytes(),
        counts.astype("<i8").tobytes(),
        total_of(after) - total_of(before),
        int(after[HISTOGRAM_CLIPPED] - before[HISTOGRAM_CLIPPED]),
        int(after[HISTOGRAM_MIN]),
        int(after[HISTOGRAM_MAX]),
    )


@cython.final
cdef class Histogram:
    """Counts of durations in ns, over `words` or, without it, over memory of its own.

    `words` is a writable contiguous buffer of HISTOGRAM_WORDS int64 (or as many bytes); it is used
    as it is: what it holds counts as recorded already, and what is recorded here is seen by all who
    share it. Raises TypeError or ValueError when the buffer does not fit or is read-only.
    """

    cdef int64_t[::1] memory
    cdef int64_t* base
    cdef readonly object words

    def __init__(self, words=None):
        array = np.zeros(HISTOGRAM_WORDS, dtype=np.int64) if words is None else view_words(words)
        if not array.flags.writeable:
            raise ValueError("the memory of a histogram must be writable")
        self.words = array
        self.memory = array
        self.base = &self.memory[0]

    @classmethod
    def from_sparse(cls, indices, counts, total_ns, clipped, min_ns, max_ns):
        """Return a new histogram that holds what `sparse_delta` gave; see `add_sparse`."""
        histogram = cls()
        histogram.add_sparse(indices, counts, total_ns, clipped, min_ns, max_ns)
        return histogram

    @classmethod
    def decode(cls, text):
        """Return a new histogram from base64 `text` in HdrHistogram's V2 compressed encoding.

        The encoding carries counters alone, so min, max and sum follow from the bounds and middles
        of the buckets. Raises ValueError when `text` is damaged or of a layout other than ours.
        """
        cdef Histogram histogram = cls()
        counts = decode_counts(text)
        present = np.flatnonzero(counts)
        if present.size:
            histogram.counts[:] = counts
            histogram.take_header_from_counts(present[0], present[present.size - 1])
        return histogram

    cdef int take_header_from_counts(self, int64_t first, int64_t last) except -1:
        include_bounds(self.base, lowest_of(first), highest_of(last))
        self.base[HISTOGRAM_COUNT] = counted(self.base)
        set_total(self.base, sum([(low + high + 1) // 2 * n for low, high, n in self]))
        return 0

    @property
    def counts(self):
        """The counters as a numpy int64 view of the same memory."""
        return self.words[HISTOGRAM_HEADER:]

    @property
    def count(self):
        """Number of values recorded."""
        return self.base[HISTOGRAM_COUNT]

    @property
    def clipped(self):
        """Number of values that were outside the range and recorded at its edge."""
        return self.base[HISTOGRAM_CLIPPED]

    @property
    def total_ns(self):
        """Exact sum of the values, in ns."""
        return total_of(self.words)

    @property
    def min(self):
        """Smallest value, in ns, exact; 0 when empty."""
        return self.base[HISTOGRAM_MIN]

    @property
    def max(self):
        """Largest value, in ns, exact; 0 when empty."""
        return self.base[HISTOGRAM_MAX]

    @property
    def mean(self):
        """Mean of the values, in ns, from their exact sum; 0.0 when empty."""
        return self.total_ns / self.count if self.count else 0.0

    def record(self, int64_t value_ns):
        """Count one value of `value_ns` nanoseconds; outside 0 .. 2**42 - 1 it is clipped."""
        histogram_record(self.base, value_ns)

    def record_many(self, values_ns):
        """Count all values of a one-dimensional int64 numpy array, in ns.

        Raises TypeError for other types of items: a float would lose what it cannot hold.
        """
        array = np.asarray(values_ns)
        if array.dtype != np.int64 or array.ndim != 1:
            raise TypeError(
                f"values must be a flat int64 array, not one of {array.ndim}d {array.dtype}"
            )
        cdef const int64_t[:] values = array
        cdef Py_ssize_t i
        with nogil:
            for i in range(values.shape[0]):
                histogram_record(self.base, values[i])

    def merge(self, Histogram other not None):
        """Add all that `other` holds; the result is as if its values had been recorded here."""
        cdef int64_t* mine = self.base
        cdef int64_t* theirs = other.base
        cdef int64_t added = 0
        cdef int64_t n
        cdef Py_ssize_t i
        with nogil:
            # The count follows from the counters, so that it agrees with them also where a writer
            # in another process is between its two increments.
            for i in range(HISTOGRAM_HEADER, HISTOGRAM_WORDS):
                n = theirs[i]
                mine[i] += n
                added += n
            if added:
                include_bounds(mine, theirs[HISTOGRAM_MIN], theirs[HISTOGRAM_MAX])
                mine[HISTOGRAM_SUM_CARRY] += theirs[HISTOGRAM_SUM_CARRY]
                add_to_sum(mine, theirs[HISTOGRAM_SUM])
                mine[HISTOGRAM_CLIPPED] += theirs[HISTOGRAM_CLIPPED]
                mine[HISTOGRAM_COUNT] += added

    def add_sparse(self, indices, counts, total_ns, clipped, min_ns, max_ns):
        """Add counters by index, in the form that `sparse_delta` gives.

        `min_ns` and `max_ns` may be those of a longer time than the counters, and are taken as they
        are. Raises ValueError when indices and counts do not fit each other or the layout.
        """
        if len(indices) % 4 or len(counts) % 8 or len(indices) // 4 != len(counts) // 8:
            raise ValueError(
                f"{len(indices)} bytes of int32 indices and {len(counts)} bytes of int64 counts"
                " do not belong together"
            )
        where = np.frombuffer(indices, dtype="<i4")
        what = np.frombuffer(counts, dtype="<i8")
        if not where.size:
            return
        if where[0] < 0 or where[where.size - 1] >= HISTOGRAM_COUNTS or (np.diff(where) <= 0).any():
            raise ValueError(f"indices must rise within 0 .. {HISTOGRAM_COUNTS - 1}")
        if what.min() <= 0:
            raise ValueError("counts must be positive")
        total_ns += self.total_ns
        # A snapshot taken while a worker records may hold a counter and not yet its extreme.
        min_ns = min(min_ns, highest_of(where[0]))
        max_ns = max(max_ns, lowest_of(where[where.size - 1]))
        include_bounds(self.base, min_ns, max_ns)
        self.counts[where] += what
        self.base[HISTOGRAM_COUNT] += what.sum()
        self.base[HISTOGRAM_CLIPPED] += clipped
        set_total(self.base, total_ns)

    def value_at_percentile(self, double percentile):
        """Return the value, in ns, that `percentile` per cent of the values do not exceed.

        As HdrHistogram defines it: the highest value equivalent to the one at that rank, but never
        above the exact maximum; percentile 0 is the exact minimum. 0 when empty. Raises ValueError
        outside 0 .. 100.
        """
        if not 0.0 <= percentile <= 100.0:
            raise ValueError(f"percentile {percentile} is outside 0 .. 100")
        cdef int64_t total = counted(self.base)
        if total == 0:
            return 0
        if percentile == 0.0:
            return self.base[HISTOGRAM_MIN]
        cdef int64_t index = index_at_rank(self.base, rank_of(percentile, total))
        cdef int64_t maximum = self.base[HISTOGRAM_MAX]
        if lowest_of(index) <= maximum <= highest_of(index):
            return maximum
        return highest_of(index)

    def percentiles(self, percentiles):
        """Return the values, in ns, at each of `percentiles`, in their order."""
        return [self.value_at_percentile(percentile) for percentile in percentiles]

    def __iter__(self):
        """Yield `(value_from_ns, value_to_ns, count)` of each bucket that is not empty, rising."""
        counts = self.counts
        for index in np.flatnonzero(counts):
            yield lowest_of(index), highest_of(index), int(counts[index])

    def clear(self):
        """Forget all values."""
        memset(self.base, 0, HISTOGRAM_WORDS * sizeof(int64_t))

    def copy(self):
        """Return a histogram with the same contents in memory of its own."""
        copied = Histogram()
        copied.merge(self)
        return copied

    def encode(self):
        """Return the counters in HdrHistogram's V2 compressed encoding, as base64 text."""
        return encode_counts(self.words[HISTOGRAM_HEADER:])


cdef int set_total(int64_t* words, total_ns) except -1:
    words[HISTOGRAM_SUM_CARRY] = total_ns >> 62
    words[HISTOGRAM_SUM] = total_ns & (SUM_MODULUS - 1)
    return 0


cdef void include_bounds(int64_t* words, int64_t min_ns, int64_t max_ns) noexcept nogil:
    if words[HISTOGRAM_COUNT] == 0 or min_ns < words[HISTOGRAM_MIN]:
        words[HISTOGRAM_MIN] = min_ns
    if max_ns > words[HISTOGRAM_MAX]:
        words[HISTOGRAM_MAX] = max_ns


cdef int64_t counted(const int64_t* words) noexcept nogil:
    cdef int64_t total = 0
    cdef Py_ssize_t i
    for i in range(HISTOGRAM_HEADER, HISTOGRAM_WORDS):
        total += words[i]
    return total


cdef int64_t rank_of(double percentile, int64_t total) noexcept nogil:
    cdef int64_t rank = <int64_t>(percentile * <double>total / 100.0 + 0.5)
    return min(max(rank, 1), total)


cdef int64_t index_at_rank(const int64_t* words, int64_t rank) noexcept nogil:
    cdef int64_t reached = 0
    cdef int64_t index
    for index in range(HISTOGRAM_COUNTS):
        reached += words[HISTOGRAM_HEADER + index]
        if reached >= rank:
            return index
    return HISTOGRAM_COUNTS - 1
