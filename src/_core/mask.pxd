from libc.stdint cimport uint8_t, uint32_t

# The key is kept as it lies in memory, first byte first.
cdef void mask_apply(uint8_t* data, size_t length, uint32_t key, size_t phase) noexcept nogil
cdef uint32_t mask_next_key() noexcept nogil
