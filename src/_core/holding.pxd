from libc.stdint cimport int64_t, uint64_t


ctypedef struct holding_entry_t:
    int64_t instant_ns
    uint64_t number             # of the `put`: equal instants keep their order
    void* item


# What waits, each for its instant: a binary heap that grows. The items are the caller's.
cdef class Holding:
    cdef readonly size_t length
    cdef size_t capacity
    cdef uint64_t puts
    cdef holding_entry_t* heap

    cdef int put(self, int64_t instant_ns, void* item) noexcept nogil   # 0, or -1 without memory
    cdef int64_t next_instant(self) noexcept nogil                      # INT64_MAX when empty
    cdef void* take(self) noexcept nogil                                # the first; NULL when empty
