from libc.stdint cimport uint8_t

# Most bytes that `fragments_write` makes of `length` bytes of whole frames; 0 where these are no
# whole masked frames.
cdef size_t fragments_size(const uint8_t* frames, size_t length, size_t most) noexcept nogil
# Writes the frames anew, each data frame as fragments of at most `most` bytes of payload; returns
# how many bytes that took.
cdef size_t fragments_write(
    uint8_t* out, const uint8_t* frames, size_t length, size_t most
) noexcept nogil
