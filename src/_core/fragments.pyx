"""Messages cut into fragments (RFC 6455 section 5.4): a pure module, bytes in and bytes out.

The first fragment keeps opcode and reserved bits of its message, the others are continuations. Each
is masked with a key of its own. Control frames must not be cut (section 5.5) and stay as they are.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from surgewire._core.frame cimport FRAME_MAX_HEADER, frame_write_header
from surgewire._core.mask cimport mask_apply, mask_next_key

cdef enum:
    FIN = 0x80
    RESERVED = 0x70
    OPCODE = 0x0F
    CONTROL = 0x08
    MASKED = 0x80
    KEY_BYTES = 4


ctypedef struct piece_t:
    size_t header               # bytes, the masking key included
    uint64_t payload            # bytes
    uint32_t key


cdef bint read_frame(const uint8_t* frame, size_t length, piece_t* piece) noexcept nogil:
    """Read where the payload of a masked frame lies; False where the frame is not whole."""
    cdef size_t extended = 0
    cdef size_t i
    if length < 2 or not frame[1] & MASKED:
        return False
    piece.payload = frame[1] & 0x7F
    if piece.payload == 126:
        extended = 2
    elif piece.payload == 127:
        extended = 8
    piece.header = 2 + extended + KEY_BYTES
    if length < piece.header:
        return False
    if extended:
        piece.payload = 0
    for i in range(extended):
        piece.payload = piece.payload << 8 | frame[2 + i]
    memcpy(&piece.key, frame + 2 + extended, KEY_BYTES)
    return piece.payload <= length - piece.header


cdef size_t fragments_size(const uint8_t* frames, size_t length, size_t most) noexcept nogil:
    cdef size_t used = 0
    cdef size_t total = 0
    cdef piece_t piece
    while used < length:
        if not read_frame(frames + used, length - used, &piece):
            return 0
        total += piece.payload + FRAME_MAX_HEADER * (piece.payload // most + 1)
        used += piece.header + piece.payload
    return total


cdef size_t cut(
    uint8_t* out, uint8_t first, const uint8_t* payload, const piece_t* piece, size_t most
) noexcept nogil:
    """Write one message as fragments."""
    cdef size_t offset = 0
    cdef size_t written = 0
    cdef size_t size, header
    cdef uint32_t key
    while True:
        size = min(most, <size_t>piece.payload - offset)
        key = mask_next_key()
        header = frame_write_header(
            out + written, first & OPCODE if offset == 0 else 0,
            offset + size == piece.payload, size, True, key,
        )
        if offset == 0:
            out[written] |= first & RESERVED
        written += header
        memcpy(out + written, payload + offset, size)
        mask_apply(out + written, size, piece.key, offset)
        mask_apply(out + written, size, key, 0)
        written += size
        offset += size
        if offset == piece.payload:
            return written


cdef size_t fragments_write(
    uint8_t* out, const uint8_t* frames, size_t length, size_t most
) noexcept nogil:
    cdef size_t used = 0
    cdef size_t written = 0
    cdef size_t whole
    cdef const uint8_t* frame
    cdef piece_t piece
    while used < length:
        frame = frames + used
        if not read_frame(frame, length - used, &piece):
            break
        whole = piece.header + piece.payload
        if frame[0] & CONTROL or not frame[0] & FIN:
            memcpy(out + written, frame, whole)
            written += whole
        else:
            written += cut(out + written, frame[0], frame + piece.header, &piece, most)
        used += whole
    return written


def split_frames(bytes frames not None, most) -> bytes:
    """Return whole masked frames with each message cut into fragments of `most` bytes or less.

    Raises ValueError where these are no whole masked frames, or `most` is less than 1.
    """
    cdef const uint8_t* data = <const uint8_t*>PyBytes_AS_STRING(frames)
    cdef size_t room
    cdef bytes out
    cdef uint8_t* place
    if not 1 <= most < 1 << 31:
        raise ValueError(f"most is {most}; it must lie in 1 to 2**31 - 1")
    room = fragments_size(data, len(frames), most)
    if room == 0:
        raise ValueError("these are no whole masked frames")
    out = PyBytes_FromStringAndSize(NULL, room)
    place = <uint8_t*>PyBytes_AS_STRING(out)
    return out[:fragments_write(place, data, len(frames), most)]
