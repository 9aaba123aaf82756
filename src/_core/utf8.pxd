from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    UTF8_ACCEPT = 0
    UTF8_REJECT = 1

# state: UTF8_ACCEPT at the start and wherever a text may end; UTF8_REJECT for ever after an error.
cdef uint32_t utf8_check(uint32_t state, const uint8_t* data, size_t length) noexcept nogil
