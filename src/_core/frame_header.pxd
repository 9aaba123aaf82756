# Reading the header of a frame, whole or cut across reads. Every check is made on the byte that
# decides it and in the order of the bytes, so that the outcome does not depend on the cuts.

from libc.stdint cimport uint8_t, uint64_t
from libc.string cimport memcpy

from surgewire._core.deflate cimport DEFLATE_COMPRESSED_BIT, deflate_bound
from surgewire._core.frame cimport (
    FRAME_BINARY,
    FRAME_CONTINUATION,
    FRAME_CONTROL_BIT,
    FRAME_ERROR_CONTINUATION,
    FRAME_ERROR_CONTROL_FRAGMENTED,
    FRAME_ERROR_CONTROL_TOO_LONG,
    FRAME_ERROR_FRAME_LIMIT,
    FRAME_ERROR_LENGTH,
    FRAME_ERROR_MASK,
    FRAME_ERROR_MESSAGE_LIMIT,
    FRAME_ERROR_NONE,
    FRAME_ERROR_OPCODE,
    FRAME_ERROR_RESERVED_BITS,
    FRAME_FIN_BIT,
    FRAME_LENGTH_16,
    FRAME_LENGTH_64,
    FRAME_LENGTH_BITS,
    FRAME_MASK_BIT,
    FRAME_MAX_CONTROL,
    FRAME_OPCODE_BITS,
    FRAME_PONG,
    FRAME_RESERVED_BITS,
    FRAME_TEXT,
    frame_decoder_t,
)

# What the decoder expects next.
cdef enum:
    FRAME_STATE_HEADER = 0
    FRAME_STATE_PAYLOAD = 1
    FRAME_STATE_GIVEN = 2       # a header; the assembled message was given and can be freed
    FRAME_STATE_CLOSED = 3      # nothing: a close frame was received

# Returned by a step that used up its input, besides FRAME_ERROR_*.
cdef enum:
    FRAME_NEED_MORE = -1


cdef inline uint8_t header_size(uint8_t second) noexcept nogil:
    """Bytes of a header, known from its second byte."""
    cdef uint8_t size = 6 if second & FRAME_MASK_BIT else 2
    if second & FRAME_LENGTH_BITS == FRAME_LENGTH_16:
        return size + 2
    if second & FRAME_LENGTH_BITS == FRAME_LENGTH_64:
        return size + 8
    return size


cdef inline bint marks_compressed(const frame_decoder_t* decoder, uint8_t first) noexcept nogil:
    """Whether the reserved bits are what RFC 7692 section 6 allows: RSV1 as a message begins."""
    cdef uint8_t opcode = first & FRAME_OPCODE_BITS
    return (
        decoder.deflate != NULL
        and first & FRAME_RESERVED_BITS == DEFLATE_COMPRESSED_BIT
        and (opcode == FRAME_TEXT or opcode == FRAME_BINARY)
    )


cdef inline int check_first(const frame_decoder_t* decoder, uint8_t first) noexcept nogil:
    """Reserved bits, opcode, and whether this frame may come now: sections 5.2, 5.4, 5.5."""
    cdef uint8_t opcode = first & FRAME_OPCODE_BITS
    if first & FRAME_RESERVED_BITS and not marks_compressed(decoder, first):
        return FRAME_ERROR_RESERVED_BITS
    if opcode & FRAME_CONTROL_BIT:
        if opcode > FRAME_PONG:
            return FRAME_ERROR_OPCODE
        return FRAME_ERROR_NONE if first & FRAME_FIN_BIT else FRAME_ERROR_CONTROL_FRAGMENTED
    if opcode > FRAME_BINARY:
        return FRAME_ERROR_OPCODE
    if (opcode == FRAME_CONTINUATION) == (decoder.message_opcode == 0):
        return FRAME_ERROR_CONTINUATION
    return FRAME_ERROR_NONE


cdef inline int check_second(
    const frame_decoder_t* decoder, uint8_t first, uint8_t second
) noexcept nogil:
    """Masking by role (section 5.1) and the length of control frames (section 5.5)."""
    if ((second & FRAME_MASK_BIT) != 0) != (decoder.expects_mask != 0):
        return FRAME_ERROR_MASK
    if first & FRAME_CONTROL_BIT and second & FRAME_LENGTH_BITS > FRAME_MAX_CONTROL:
        return FRAME_ERROR_CONTROL_TOO_LONG
    return FRAME_ERROR_NONE


cdef inline uint64_t read_length(const uint8_t* header) noexcept nogil:
    """The payload length that a header declares, in whichever of the three forms."""
    cdef uint64_t length = header[1] & FRAME_LENGTH_BITS
    cdef int width = 0
    cdef int i
    if length == FRAME_LENGTH_16:
        width = 2
    elif length == FRAME_LENGTH_64:
        width = 8
    if width:
        length = 0
        for i in range(width):
            length = length << 8 | header[2 + i]
    return length


cdef inline int check_length(const frame_decoder_t* decoder, const uint8_t* header) noexcept nogil:
    """The form of the length (section 5.2), and the limits."""
    cdef uint64_t length = read_length(header)
    cdef uint8_t form = header[1] & FRAME_LENGTH_BITS
    if form == FRAME_LENGTH_16 and length < FRAME_LENGTH_16:
        return FRAME_ERROR_LENGTH
    if form == FRAME_LENGTH_64 and (length < 0x10000 or length >> 63):
        return FRAME_ERROR_LENGTH
    if header[0] & FRAME_CONTROL_BIT:
        return FRAME_ERROR_NONE
    # No sum: message_length never exceeds max_message, and a sum could wrap around.
    if length <= decoder.max_frame and length <= decoder.max_message - decoder.message_length:
        return FRAME_ERROR_NONE
    if header[0] & DEFLATE_COMPRESSED_BIT or decoder.compressed:
        # Whether the message is too large will be seen when it is inflated.
        if length <= deflate_bound(decoder.max_frame):
            return FRAME_ERROR_NONE
        return FRAME_ERROR_FRAME_LIMIT
    return FRAME_ERROR_FRAME_LIMIT if length > decoder.max_frame else FRAME_ERROR_MESSAGE_LIMIT


cdef inline void open_frame(
    frame_decoder_t* decoder, const uint8_t* header, uint8_t size
) noexcept nogil:
    """Take over a complete, checked header."""
    cdef uint8_t opcode = header[0] & FRAME_OPCODE_BITS
    decoder.opcode = opcode
    decoder.fin = header[0] & FRAME_FIN_BIT != 0
    decoder.remaining = read_length(header)
    decoder.mask_phase = 0
    if decoder.expects_mask:
        memcpy(&decoder.mask_key, header + size - 4, 4)
    if opcode & FRAME_CONTROL_BIT:
        decoder.control_length = 0
    elif opcode != FRAME_CONTINUATION:
        decoder.message_opcode = opcode
        decoder.compressed = header[0] & DEFLATE_COMPRESSED_BIT != 0
    decoder.header_length = 0
    decoder.state = FRAME_STATE_PAYLOAD


cdef inline int check_gathered(const frame_decoder_t* decoder) noexcept nogil:
    """What the byte gathered last decides."""
    cdef const uint8_t* header = <const uint8_t*>decoder.header
    cdef uint8_t mask_bytes
    cdef int error
    if decoder.header_length == 1:
        return check_first(decoder, header[0])
    mask_bytes = 4 if header[1] & FRAME_MASK_BIT else 0
    if decoder.header_length == 2:
        error = check_second(decoder, header[0], header[1])
        if error != FRAME_ERROR_NONE:
            return error
    if decoder.header_length == header_size(header[1]) - mask_bytes:
        return check_length(decoder, header)
    return FRAME_ERROR_NONE


cdef inline int gather_header(
    frame_decoder_t* decoder, const uint8_t* data, size_t length, size_t* used
) noexcept nogil:
    """A header that is cut across reads, byte by byte."""
    cdef int error
    while used[0] < length:
        decoder.header[decoder.header_length] = data[used[0]]
        decoder.header_length += 1
        used[0] += 1
        error = check_gathered(decoder)
        if error != FRAME_ERROR_NONE:
            return error
        if decoder.header_length >= 2 and decoder.header_length == header_size(decoder.header[1]):
            open_frame(decoder, decoder.header, decoder.header_length)
            return FRAME_ERROR_NONE
    return FRAME_NEED_MORE


cdef inline int take_header(
    frame_decoder_t* decoder, const uint8_t* data, size_t length, size_t* used
) noexcept nogil:
    cdef const uint8_t* header = data + used[0]
    cdef size_t available = length - used[0]
    cdef uint8_t size
    cdef int error
    if decoder.header_length != 0 or available < 2 or available < header_size(header[1]):
        return gather_header(decoder, data, length, used)
    size = header_size(header[1])
    used[0] += size
    error = check_first(decoder, header[0])
    if error == FRAME_ERROR_NONE:
        error = check_second(decoder, header[0], header[1])
    if error == FRAME_ERROR_NONE:
        error = check_length(decoder, header)
    if error == FRAME_ERROR_NONE:
        open_frame(decoder, header, size)
    return error
