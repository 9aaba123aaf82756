# A compressed message in its frame: RFC 7692 section 7.2.1.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memmove

from surgewire._core.deflate cimport (
    DEFLATE_COMPRESSED_BIT,
    deflate_bound,
    deflate_compress,
    deflate_t,
)
from surgewire._core.frame cimport FRAME_MAX_HEADER, frame_write_header
from surgewire._core.mask cimport mask_apply, mask_next_key


cdef inline size_t deflate_frame_bound(size_t length) noexcept nogil:
    """What a frame takes at most that holds a message of this size, compressed or not."""
    return FRAME_MAX_HEADER + deflate_bound(length)


cdef inline size_t deflate_write_frame(
    deflate_t* deflate, uint8_t* out, uint8_t opcode, const uint8_t* payload, size_t length,
    bint masked
) noexcept nogil:
    """Write a message into deflate_frame_bound(length) bytes and return the frame's size.

    Returns 0 where compressing failed; the message can then go uncompressed.
    """
    cdef uint8_t* data = out + FRAME_MAX_HEADER
    cdef size_t size = deflate_compress(deflate, data, payload, length)
    cdef size_t header
    cdef uint32_t key = 0
    if size == 0:
        return 0
    if masked:
        key = mask_next_key()
        mask_apply(data, size, key, 0)
    header = frame_write_header(
        out, opcode | DEFLATE_COMPRESSED_BIT, True, size, masked, key
    )
    memmove(out + header, data, size)
    return header + size
