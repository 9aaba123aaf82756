from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from surgewire._core.deflate cimport deflate_t

cdef enum:
    FRAME_CONTINUATION = 0x0
    FRAME_TEXT = 0x1
    FRAME_BINARY = 0x2
    FRAME_CLOSE = 0x8
    FRAME_PING = 0x9
    FRAME_PONG = 0xA

    FRAME_MAX_HEADER = 14
    FRAME_DEFAULT_LIMIT = 16777216

# Bits of the first and the second byte of a header: RFC 6455 section 5.2.
cdef enum:
    FRAME_FIN_BIT = 0x80
    FRAME_RESERVED_BITS = 0x70
    FRAME_OPCODE_BITS = 0x0F
    FRAME_CONTROL_BIT = 0x08    # of the opcode

    FRAME_MASK_BIT = 0x80
    FRAME_LENGTH_BITS = 0x7F
    FRAME_LENGTH_16 = 126       # the length stands in the next 2 bytes
    FRAME_LENGTH_64 = 127       # the length stands in the next 8 bytes
    FRAME_MAX_CONTROL = 125

# What frame_next found.
cdef enum:
    FRAME_EVENT_NONE = 0        # the input is used up; more is needed
    FRAME_EVENT_MESSAGE = 1     # opcode is FRAME_TEXT or FRAME_BINARY; a whole message
    FRAME_EVENT_PING = 2
    FRAME_EVENT_PONG = 3
    FRAME_EVENT_CLOSE = 4       # close_code 1005 where the frame had none; payload is the reason
    FRAME_EVENT_ERROR = 5       # error is one of FRAME_ERROR_*; close_code is what to answer

cdef enum:
    FRAME_ERROR_NONE = 0
    FRAME_ERROR_RESERVED_BITS = 1
    FRAME_ERROR_OPCODE = 2
    FRAME_ERROR_CONTROL_FRAGMENTED = 3
    FRAME_ERROR_CONTROL_TOO_LONG = 4
    FRAME_ERROR_MASK = 5              # masked where it must not be, or the reverse
    FRAME_ERROR_LENGTH = 6            # 64-bit length with its top bit set
    FRAME_ERROR_CONTINUATION = 7      # continuation without a start, or a start within a message
    FRAME_ERROR_UTF8 = 8
    FRAME_ERROR_CLOSE_CODE = 9
    FRAME_ERROR_CLOSE_LENGTH = 10     # a close payload of one byte
    FRAME_ERROR_FRAME_LIMIT = 11
    FRAME_ERROR_MESSAGE_LIMIT = 12
    FRAME_ERROR_MEMORY = 13
    FRAME_ERROR_DEFLATE = 14          # a compressed message that cannot be inflated

ctypedef struct frame_event_t:
    int kind
    int error
    uint8_t opcode
    uint16_t close_code
    # In the input, the decoder or what inflates; valid until the next frame_next of any decoder.
    uint8_t* payload
    size_t length

# One incremental decoder; small, because every connection embeds one. The message buffer is taken
# only while a message lies across reads or fragments, grows with what has really arrived, and is
# given back when the message is complete.
ctypedef struct frame_decoder_t:
    uint64_t max_frame
    uint64_t max_message
    uint64_t remaining          # payload bytes of the current frame still to come
    deflate_t* deflate          # the connection's; NULL where compression was not agreed on
    uint8_t* message            # assembly buffer
    size_t message_length
    size_t message_capacity
    uint32_t mask_key
    uint32_t mask_phase
    uint32_t utf8_state         # UTF8_ACCEPT between messages: a whole text ends in it
    uint8_t header[14]
    uint8_t header_length
    uint8_t control[125]
    uint8_t control_length
    uint8_t opcode              # of the current frame
    uint8_t message_opcode      # of the message being assembled; 0 when there is none
    uint8_t compressed          # the message being assembled is
    uint8_t fin
    uint8_t state
    uint8_t expects_mask        # 1 in the server role
    uint8_t failed              # FRAME_ERROR_* for ever after an error

cdef void frame_decoder_init(
    frame_decoder_t* decoder, bint server_role, uint64_t max_frame, uint64_t max_message
) noexcept nogil
cdef void frame_decoder_free(frame_decoder_t* decoder) noexcept nogil
# Takes bytes from data at *used on, moves *used forward, fills in event, returns event.kind.
# Input is unmasked in place. Call again until FRAME_EVENT_NONE or FRAME_EVENT_ERROR.
cdef int frame_next(
    frame_decoder_t* decoder, uint8_t* data, size_t length, size_t* used, frame_event_t* event
) noexcept nogil
# Stable name of an error: "reserved_bits", "opcode", ... as used after "protocol_" in the taxonomy.
cdef const char* frame_error_name(int error) noexcept nogil


cdef inline size_t frame_header_size(uint64_t payload_length, bint masked) noexcept nogil:
    """Bytes of the header of a frame, masking key included."""
    cdef size_t size = 6 if masked else 2
    if payload_length < FRAME_LENGTH_16:
        return size
    return size + (2 if payload_length < 0x10000 else 8)


cdef inline size_t frame_payload_size(size_t frame_size, bint masked) noexcept nogil:
    """Bytes of the payload of a whole frame."""
    cdef size_t size = frame_size - (6 if masked else 2)
    if size < FRAME_LENGTH_16:
        return size
    return size - (2 if size - 2 < 0x10000 else 8)


cdef inline size_t frame_write_header(
    uint8_t* out, uint8_t opcode, bint fin, uint64_t payload_length, bint masked, uint32_t key
) noexcept nogil:
    """Write a header of at most FRAME_MAX_HEADER bytes and return its length.

    The key, as it lies in memory, is written only when masked; the payload is the caller's.
    """
    cdef uint8_t mask_bit = FRAME_MASK_BIT if masked else 0
    cdef size_t size = frame_header_size(payload_length, masked)
    cdef int width = 0
    cdef int i
    out[0] = (FRAME_FIN_BIT if fin else 0) | opcode
    if payload_length < FRAME_LENGTH_16:
        out[1] = mask_bit | <uint8_t>payload_length
    elif payload_length < 0x10000:
        out[1] = mask_bit | FRAME_LENGTH_16
        width = 2
    else:
        out[1] = mask_bit | FRAME_LENGTH_64
        width = 8
    for i in range(width):
        out[2 + i] = <uint8_t>(payload_length >> (8 * (width - 1 - i)))
    if masked:
        memcpy(out + size - 4, &key, 4)
    return size
