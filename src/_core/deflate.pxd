from libc.stdint cimport uint8_t

# What deflate_take_piece found.
cdef enum:
    DEFLATE_DONE = 0            # the input is used up; the piece may be empty
    DEFLATE_MORE = 1            # the piece fills its room, and more may follow
    DEFLATE_BAD = 2             # no compressed data, or data that the message's end cuts off
    DEFLATE_NO_MEMORY = 3

cdef enum:
    # RFC 7692 section 6: RSV1 of a message's first frame marks it as compressed.
    DEFLATE_COMPRESSED_BIT = 0x40

# What one connection agreed on, and its compression streams. A stream is made when the first
# message needs it. Without takeover of the context a message borrows one that others use, too.
ctypedef struct deflate_t:
    void* sends                 # the connection's own; NULL without takeover or before a message
    void* receives              # its own, or borrowed while a message is under way
    uint8_t sends_bits          # size of the window as a power of two
    uint8_t receives_bits
    uint8_t sends_takeover
    uint8_t receives_takeover
    uint8_t level
    uint8_t under_way           # a message is being inflated
    uint8_t last                # what is being inflated is the end of its message
    uint8_t any_input           # the message has had a byte
    uint8_t ended               # its last block was marked as the last of a stream

# NULL without memory.
cdef deflate_t* deflate_new(
    int sends_bits, bint sends_takeover, int receives_bits, bint receives_takeover, int level
) noexcept nogil
# The same from a `Terms`. Raises ValueError where a number is out of range.
cdef deflate_t* deflate_from_terms(object terms) except NULL
cdef void deflate_free(deflate_t* deflate) noexcept nogil

# Receiving. The beginning of a message: DEFLATE_DONE or DEFLATE_NO_MEMORY.
cdef int deflate_begin(deflate_t* deflate) noexcept nogil
# The next compressed bytes of the message, which must stay until all pieces were taken.
cdef void deflate_give(
    deflate_t* deflate, const uint8_t* data, size_t length, bint last
) noexcept nogil
# Take what that inflates to, piece by piece, while DEFLATE_MORE is returned. A piece is valid
# until the next one is taken, on whichever connection.
cdef int deflate_take_piece(
    deflate_t* deflate, const uint8_t** piece, size_t* length
) noexcept nogil
# The message is complete or given up.
cdef void deflate_end(deflate_t* deflate) noexcept nogil

# Sending. Compresses a message into at most deflate_bound(length) bytes and returns their number; 0
# where that failed, after which the message can go uncompressed.
cdef size_t deflate_compress(
    deflate_t* deflate, uint8_t* out, const uint8_t* data, size_t length
) noexcept nogil


cdef inline size_t deflate_bound(size_t length) noexcept nogil:
    """What that many bytes compress to at most, whatever the settings of zlib."""
    return length + (length >> 3) + (length >> 6) + 64
