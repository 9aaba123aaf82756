"""A count that all workers change together, and its peak.

The peak of a sum is not the sum of the peaks, and sampling would miss it; so the workers raise and
lower one shared word by atomic operations. This happens once per connection, never per message.
"""

cdef extern from *:
    """
    static inline void surgewire_gauge_add(int64_t *words, int64_t change) {
        int64_t open_now = __atomic_add_fetch(&words[0], change, __ATOMIC_RELAXED);
        int64_t peak = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
        while (open_now > peak &&
               !__atomic_compare_exchange_n(&words[1], &peak, open_now, 1,
                                            __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        }
    }
    """
    void surgewire_gauge_add(int64_t* words, int64_t change) noexcept nogil


cdef void gauge_add(int64_t* words, int64_t change) noexcept nogil:
    surgewire_gauge_add(words, change)


def add(int64_t[::1] words not None, int64_t change) -> None:
    """Change the count by `change` and raise the peak if it was passed.

    words: int64[2], open now and peak, in memory that several processes may share.
    """
    if words.shape[0] != GAUGE_WORDS:
        raise ValueError(f"a gauge has {GAUGE_WORDS} words, not {words.shape[0]}")
    gauge_add(&words[0], change)
