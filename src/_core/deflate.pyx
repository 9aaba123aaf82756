"""Compressed messages of RFC 7692 (permessage-deflate), by zlib.

Inflating goes in pieces of at most PIECE bytes, so that whoever takes them can stop at a limit: no
message, however well it was compressed, makes more memory than that needed.

A stream of its own costs a connection tens to hundreds of kilobytes, so it is made when the first
message needs it. Without takeover of the context, no stream outlives a message: compressing borrows
one for the length of a call, inflating one for the length of a message, and a worker has as many as
there are messages under way. All of this runs under the interpreter's lock.

Decisions where RFC 7692 leaves room:

- A message whose last block does not end with the message is refused: it was cut off.
- Blocks marked as the last of a stream are accepted (section 7.2.3.4), also without the empty block
  that is to follow them.
- A window smaller than 32 KiB saves memory. That a peer refers further back than it agreed to is
  found out only where it reaches back behind a read, because zlib looks no closer.
- A compressed message of no bytes is an empty message: what zlib makes of an empty message behind
  another one, if nobody looks.
"""

from typing import NamedTuple

from cython cimport final
from libc.stdint cimport uint8_t
from libc.stdlib cimport calloc, free

cdef extern from * nogil:
    """
    #define ZLIB_CONST
    #include <zlib.h>
    """
    ctypedef struct z_stream:
        const uint8_t* next_in
        unsigned int avail_in
        uint8_t* next_out
        unsigned int avail_out
        int data_type
    int Z_OK
    int Z_STREAM_END
    int Z_BUF_ERROR
    int Z_MEM_ERROR
    int Z_SYNC_FLUSH
    int Z_DEFLATED
    int Z_DEFAULT_STRATEGY
    int deflateInit2(
        z_stream* stream, int level, int method, int window_bits, int mem_level, int strategy
    )
    int deflateReset(z_stream* stream)
    int zlib_deflate "deflate" (z_stream* stream, int flush)
    int deflateEnd(z_stream* stream)
    int inflateInit2(z_stream* stream, int window_bits)
    int inflateReset2(z_stream* stream, int window_bits)
    # Begins a new stream behind the end of another, keeping the window.
    int inflateResetKeep(z_stream* stream)
    int inflate(z_stream* stream, int flush)
    int inflateEnd(z_stream* stream)

cdef enum:
    PIECE = 65536
    # Tables for finding repetitions: 8 KiB to clear for every message without takeover of the
    # context. zlib's own 8 would be 64 KiB, which costs more than compressing a small message.
    MEM_LEVEL = 5
    # Streams for inflating that wait for the next message.
    MAX_IDLE = 64
    # In z_stream.data_type: inflating stands between two blocks.
    AT_BLOCK_END = 128
    # What zlib takes at once.
    MAX_INPUT = 1 << 30
    TAIL_BYTES = 4

# What a sender leaves out at the end of each message: RFC 7692 section 7.2.1.
cdef uint8_t[TAIL_BYTES] TAIL = [0x00, 0x00, 0xFF, 0xFF]

ctypedef struct inflater_t:
    z_stream stream
    inflater_t* next            # of those that wait

ctypedef struct deflater_t:
    z_stream stream
    int bits
    int level
    deflater_t* next            # of those that connections without takeover share

cdef uint8_t[PIECE] _piece
cdef inflater_t* _idle = NULL
cdef int _idle_count = 0
cdef deflater_t* _shared = NULL


# ---- streams ------------------------------------------------------------------------------------


cdef inflater_t* new_inflater(int bits) noexcept nogil:
    cdef inflater_t* made = <inflater_t*>calloc(1, sizeof(inflater_t))
    if made != NULL and inflateInit2(&made.stream, -bits) != Z_OK:
        free(made)
        return NULL
    return made


cdef void free_inflater(inflater_t* inflater) noexcept nogil:
    if inflater != NULL:
        inflateEnd(&inflater.stream)
        free(inflater)


cdef inflater_t* borrow_inflater(int bits) noexcept nogil:
    global _idle, _idle_count
    cdef inflater_t* taken = _idle
    if taken == NULL:
        return new_inflater(bits)
    _idle = taken.next
    _idle_count -= 1
    if inflateReset2(&taken.stream, -bits) != Z_OK:
        free_inflater(taken)
        return NULL
    return taken


cdef void return_inflater(inflater_t* inflater) noexcept nogil:
    global _idle, _idle_count
    if _idle_count >= MAX_IDLE:
        free_inflater(inflater)
        return
    inflater.next = _idle
    _idle = inflater
    _idle_count += 1


cdef deflater_t* new_deflater(int bits, int level) noexcept nogil:
    cdef deflater_t* made = <deflater_t*>calloc(1, sizeof(deflater_t))
    if made == NULL:
        return NULL
    made.bits = bits
    made.level = level
    if deflateInit2(
        &made.stream, level, Z_DEFLATED, -bits, MEM_LEVEL, Z_DEFAULT_STRATEGY
    ) != Z_OK:
        free(made)
        return NULL
    return made


cdef deflater_t* share_deflater(int bits, int level) noexcept nogil:
    """The stream for all messages with these settings, as new."""
    global _shared
    cdef deflater_t* found = _shared
    while found != NULL and (found.bits != bits or found.level != level):
        found = found.next
    if found == NULL:
        found = new_deflater(bits, level)
        if found != NULL:
            found.next = _shared
            _shared = found
    elif deflateReset(&found.stream) != Z_OK:
        return NULL
    return found


# ---- what was agreed on -------------------------------------------------------------------------


cdef deflate_t* deflate_new(
    int sends_bits, bint sends_takeover, int receives_bits, bint receives_takeover, int level
) noexcept nogil:
    cdef deflate_t* made = <deflate_t*>calloc(1, sizeof(deflate_t))
    if made != NULL:
        made.sends_bits = <uint8_t>sends_bits
        made.sends_takeover = sends_takeover
        made.receives_bits = <uint8_t>receives_bits
        made.receives_takeover = receives_takeover
        made.level = <uint8_t>level
    return made


cdef void deflate_free(deflate_t* deflate) noexcept nogil:
    if deflate == NULL:
        return
    drop_sends(deflate)
    free_inflater(<inflater_t*>deflate.receives)
    free(deflate)


cdef void drop_sends(deflate_t* deflate) noexcept nogil:
    cdef deflater_t* deflater = <deflater_t*>deflate.sends
    deflate.sends = NULL
    if deflater != NULL:
        deflateEnd(&deflater.stream)
        free(deflater)


# ---- receiving ----------------------------------------------------------------------------------


cdef int deflate_begin(deflate_t* deflate) noexcept nogil:
    if deflate.receives == NULL:
        if deflate.receives_takeover:
            deflate.receives = new_inflater(deflate.receives_bits)
        else:
            deflate.receives = borrow_inflater(deflate.receives_bits)
    deflate.any_input = False
    deflate.ended = False
    deflate.under_way = deflate.receives != NULL
    return DEFLATE_DONE if deflate.under_way else DEFLATE_NO_MEMORY


cdef void deflate_give(
    deflate_t* deflate, const uint8_t* data, size_t length, bint last
) noexcept nogil:
    cdef inflater_t* inflater = <inflater_t*>deflate.receives
    inflater.stream.next_in = data
    inflater.stream.avail_in = <unsigned int>length
    deflate.any_input = deflate.any_input or length > 0
    deflate.last = last


cdef int deflate_take_piece(
    deflate_t* deflate, const uint8_t** piece, size_t* length
) noexcept nogil:
    cdef z_stream* stream = &(<inflater_t*>deflate.receives).stream
    cdef int outcome
    stream.next_out = _piece
    stream.avail_out = PIECE
    outcome = inflate_input(deflate, stream)
    piece[0] = _piece
    length[0] = PIECE - stream.avail_out
    # What came before a fault counts first, so that cuts between reads make no difference. The
    # fault is still there when the next piece is asked for.
    if outcome != DEFLATE_DONE and length[0] > 0:
        return DEFLATE_MORE
    return outcome


cdef int inflate_input(deflate_t* deflate, z_stream* stream) noexcept nogil:
    """Inflate until the input or the room for output is used up."""
    cdef int outcome
    while True:
        if deflate.ended and stream.avail_in > 0:
            inflateResetKeep(stream)
            deflate.ended = False
        if not deflate.ended:
            outcome = inflate(stream, Z_SYNC_FLUSH)
            if outcome == Z_STREAM_END:
                deflate.ended = True
            elif outcome == Z_MEM_ERROR:
                return DEFLATE_NO_MEMORY
            elif outcome != Z_OK and outcome != Z_BUF_ERROR:
                return DEFLATE_BAD
        if stream.avail_out == 0:
            return DEFLATE_MORE
        if stream.avail_in == 0 and not add_tail(deflate, stream):
            break
    if deflate.last and deflate.any_input and not deflate.ended:
        return DEFLATE_DONE if stream.data_type & AT_BLOCK_END else DEFLATE_BAD
    return DEFLATE_DONE


cdef bint add_tail(deflate_t* deflate, z_stream* stream) noexcept nogil:
    """Let the block follow that ends every message; False where it is not its time."""
    if not deflate.last or stream.next_in == &TAIL[0] + TAIL_BYTES:
        return False
    if deflate.ended or not deflate.any_input:
        return False
    stream.next_in = TAIL
    stream.avail_in = TAIL_BYTES
    return True


cdef void deflate_end(deflate_t* deflate) noexcept nogil:
    cdef inflater_t* inflater = <inflater_t*>deflate.receives
    if not deflate.under_way:
        return
    deflate.under_way = False
    if deflate.ended:
        inflateResetKeep(&inflater.stream)
    if not deflate.receives_takeover:
        deflate.receives = NULL
        return_inflater(inflater)


# ---- sending ------------------------------------------------------------------------------------


cdef size_t deflate_compress(
    deflate_t* deflate, uint8_t* out, const uint8_t* data, size_t length
) noexcept nogil:
    cdef deflater_t* deflater = <deflater_t*>deflate.sends
    cdef z_stream* stream
    cdef size_t room = deflate_bound(length)
    if length == 0:
        # Section 7.2.3.6. A second flush without input between would give nothing at all.
        out[0] = 0
        return 1
    if length > MAX_INPUT:
        return 0
    if not deflate.sends_takeover:
        deflater = share_deflater(deflate.sends_bits, deflate.level)
    elif deflater == NULL:
        deflater = new_deflater(deflate.sends_bits, deflate.level)
        deflate.sends = deflater
    if deflater == NULL:
        return 0
    stream = &deflater.stream
    stream.next_in = data
    stream.avail_in = <unsigned int>length
    stream.next_out = out
    stream.avail_out = <unsigned int>room
    if zlib_deflate(stream, Z_SYNC_FLUSH) != Z_OK or stream.avail_in or stream.avail_out == 0:
        # The peer will not have what this stream could now refer to.
        drop_sends(deflate)
        return 0
    return room - stream.avail_out - TAIL_BYTES


# ---- Python -------------------------------------------------------------------------------------


class Terms(NamedTuple):
    """What a connection agreed on, seen from one of its sides (RFC 7692 section 7.1).

    `sends_bits`, `receives_bits`: the windows as powers of two, 9 to 15 and 8 to 15.
    `sends_takeover`, `receives_takeover`: whether a message may refer to those before it.
    `level`: how hard to compress, 1 to 9; no part of what is agreed on.
    """

    sends_bits: int = 15
    sends_takeover: bool = True
    receives_bits: int = 15
    receives_takeover: bool = True
    level: int = 6


cdef deflate_t* deflate_from_terms(object terms) except NULL:
    cdef deflate_t* made
    sends_bits, sends_takeover, receives_bits, receives_takeover, level = terms
    for name, value, least, most in (
        ("sends_bits", sends_bits, 9, 15),
        ("receives_bits", receives_bits, 8, 15),
        ("level", level, 1, 9),
    ):
        if not least <= value <= most:
            raise ValueError(f"{name}={value} is out of range; use {least} to {most}")
    made = deflate_new(sends_bits, sends_takeover, receives_bits, receives_takeover, level)
    if made == NULL:
        raise MemoryError()
    return made


@final
cdef class Compressor:
    """Compresses messages, for tests and for use from Python. terms: a `Terms`."""

    cdef deflate_t* deflate

    def __cinit__(self, terms):
        self.deflate = deflate_from_terms(terms)

    def __dealloc__(self):
        deflate_free(self.deflate)

    def compress(self, bytes payload not None) -> bytes:
        """Return what a frame carries for a message. Raises MemoryError without memory."""
        cdef bytearray out = bytearray(deflate_bound(len(payload)))
        cdef uint8_t[::1] view = out
        cdef size_t size = deflate_compress(
            self.deflate, &view[0], <const uint8_t*>payload, len(payload)
        )
        if size == 0:
            raise MemoryError()
        return bytes(out[:size])
