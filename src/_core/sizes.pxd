from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    SIZES_FIXED = 0
    SIZES_UNIFORM = 1
    SIZES_CHOICE = 2
    SIZES_MAX_PARTS = 64

ctypedef struct size_choice_t:
    size_t size_bytes
    uint64_t until              # sum of the weights up to and with this one


cdef class SizePicker:
    cdef readonly size_t most_bytes     # the largest size that can come
    cdef int kind
    cdef uint64_t state
    cdef uint64_t span                  # how many sizes, or the sum of the weights
    cdef size_t least_bytes
    cdef size_choice_t choices[SIZES_MAX_PARTS]
    cdef uint32_t choice_count

    cdef size_t next_size(self) noexcept nogil
