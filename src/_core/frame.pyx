"""RFC 6455 frames: an incremental decoder for either role, and the encoder of headers.

The decoder takes bytes as they come and gives whole messages and control frames. A frame that lies
whole in the input is unmasked and given where it lies; only what is cut across reads or fragments
is assembled in a buffer. However the input is cut, the events are the same.

Decisions where RFC 6455 leaves room, or where others do otherwise:

- A length that is not encoded in the fewest bytes is refused (section 5.2: "the minimal number of
  bytes MUST be used"). Browsers refuse it as well; several libraries let it pass.
- A close code may be received if it is registered with IANA for close frames (1000-1003,
  1007-1014) or lies in 3000-4999. 1004-1006 and 1015 are never on the wire (section 7.4.1), the
  rest is reserved or has no meaning.
- A close frame may interrupt a fragmented message. What follows a close frame is discarded
  (section 1.4), and so is the message that it cut off.
- The limits hold for data; a control frame is bounded by its 125 bytes. A limit of 0 admits only
  empty messages.
"""

from typing import NamedTuple

from cython cimport final
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from surgewire._core.deflate cimport (
    DEFLATE_BAD,
    DEFLATE_DONE,
    DEFLATE_MORE,
    deflate_begin,
    deflate_end,
    deflate_free,
    deflate_from_terms,
    deflate_give,
    deflate_take_piece,
)
from surgewire._core.frame_header cimport (
    FRAME_NEED_MORE,
    FRAME_STATE_CLOSED,
    FRAME_STATE_GIVEN,
    FRAME_STATE_HEADER,
    take_header,
)
from surgewire._core.mask cimport mask_apply
from surgewire._core.utf8 cimport UTF8_ACCEPT, UTF8_REJECT, utf8_check

cdef enum:
    FIRST_CAPACITY = 512

cdef const char** ERROR_NAMES = [
    "none",
    "reserved_bits",
    "opcode",
    "control_fragmented",
    "control_too_long",
    "mask",
    "length",
    "continuation",
    "utf8",
    "close_code",
    "close_length",
    "frame_limit",
    "message_limit",
    "memory",
    "deflate",
]


cdef const char* frame_error_name(int error) noexcept nogil:
    if FRAME_ERROR_NONE <= error <= FRAME_ERROR_DEFLATE:
        return ERROR_NAMES[error]
    return ERROR_NAMES[FRAME_ERROR_NONE]


cdef inline uint16_t code_for_error(int error) noexcept nogil:
    """The close code to answer with: RFC 6455 section 7.4.1."""
    if error == FRAME_ERROR_UTF8 or error == FRAME_ERROR_DEFLATE:
        return 1007
    if error == FRAME_ERROR_FRAME_LIMIT or error == FRAME_ERROR_MESSAGE_LIMIT:
        return 1009
    if error == FRAME_ERROR_MEMORY:
        return 1011
    return 1002


cdef inline bint code_may_be_received(uint16_t code) noexcept nogil:
    if code < 3000:
        return 1000 <= code <= 1003 or 1007 <= code <= 1014
    return code <= 4999


# ---- payload ------------------------------------------------------------------------------------


cdef void drop_message(frame_decoder_t* decoder) noexcept nogil:
    free(decoder.message)
    decoder.message = NULL
    decoder.message_length = 0
    decoder.message_capacity = 0


cdef void give_up_message(frame_decoder_t* decoder) noexcept nogil:
    """Drop a message that will not become complete."""
    drop_message(decoder)
    if decoder.compressed:
        decoder.compressed = False
        deflate_end(decoder.deflate)


cdef int append(frame_decoder_t* decoder, const uint8_t* chunk, size_t size) noexcept nogil:
    """Add bytes that arrived to the message; the buffer grows by doubling, never on a promise."""
    cdef size_t needed = decoder.message_length + size
    cdef size_t capacity = decoder.message_capacity
    cdef uint64_t whole = decoder.max_message
    cdef uint8_t* grown
    if size == 0:
        return FRAME_ERROR_NONE
    if needed > capacity:
        capacity = FIRST_CAPACITY if capacity == 0 else capacity * 2
        if decoder.fin and not decoder.compressed:
            whole = needed + decoder.remaining
        if capacity > whole:
            capacity = <size_t>whole
        if capacity < needed:
            capacity = needed
        grown = <uint8_t*>realloc(decoder.message, capacity)
        if grown == NULL:
            return FRAME_ERROR_MEMORY
        decoder.message = grown
        decoder.message_capacity = capacity
    memcpy(decoder.message + decoder.message_length, chunk, size)
    decoder.message_length = needed
    return FRAME_ERROR_NONE


cdef inline size_t take_chunk(
    frame_decoder_t* decoder, uint8_t* chunk, size_t available
) noexcept nogil:
    """Unmask what has arrived of the frame's payload; return its length."""
    cdef size_t size = available
    if size > decoder.remaining:
        size = <size_t>decoder.remaining
    if decoder.expects_mask:
        mask_apply(chunk, size, decoder.mask_key, decoder.mask_phase)
        decoder.mask_phase = (decoder.mask_phase + size) & 3
    decoder.remaining -= size
    return size


cdef inline bint check_text(
    frame_decoder_t* decoder, const uint8_t* chunk, size_t size, bint last
) noexcept nogil:
    """Go on validating the text of a message; False when it is none."""
    decoder.utf8_state = utf8_check(decoder.utf8_state, chunk, size)
    return decoder.utf8_state != UTF8_REJECT and (not last or decoder.utf8_state == UTF8_ACCEPT)


cdef int inflate_data(
    frame_decoder_t* decoder, uint8_t** chunk, size_t* size, bint last
) noexcept nogil:
    """Turn what arrived of a compressed message into its last piece; append those before.

    Each piece is held against the limit before any memory is taken for it.
    """
    cdef const uint8_t* piece = NULL
    cdef size_t length = 0
    cdef uint64_t room
    cdef int outcome, error
    if decoder.deflate.under_way == 0 and deflate_begin(decoder.deflate) != DEFLATE_DONE:
        return FRAME_ERROR_MEMORY
    deflate_give(decoder.deflate, chunk[0], size[0], last)
    while True:
        outcome = deflate_take_piece(decoder.deflate, &piece, &length)
        if outcome == DEFLATE_BAD:
            return FRAME_ERROR_DEFLATE
        if outcome != DEFLATE_DONE and outcome != DEFLATE_MORE:
            return FRAME_ERROR_MEMORY
        room = decoder.max_message - decoder.message_length
        if decoder.message_opcode == FRAME_TEXT and not check_text(
            decoder,
            piece,
            <size_t>room if length > room else length,
            last and outcome == DEFLATE_DONE and length <= room,
        ):
            return FRAME_ERROR_UTF8
        if length > room:
            return FRAME_ERROR_MESSAGE_LIMIT
        if outcome == DEFLATE_DONE:
            break
        error = append(decoder, piece, length)
        if error != FRAME_ERROR_NONE:
            return error
    chunk[0] = <uint8_t*>piece
    size[0] = length
    return FRAME_ERROR_NONE


cdef int take_data(
    frame_decoder_t* decoder, uint8_t* chunk, size_t size, frame_event_t* event
) noexcept nogil:
    """The next bytes of a data frame, unmasked. FRAME_NEED_MORE when they complete no message."""
    cdef bint last = decoder.fin and decoder.remaining == 0
    if decoder.message_opcode == FRAME_TEXT and not check_text(decoder, chunk, size, last):
        return FRAME_ERROR_UTF8
    return add_data(decoder, chunk, size, last, event)


cdef int take_compressed(
    frame_decoder_t* decoder, uint8_t* chunk, size_t size, frame_event_t* event
) noexcept nogil:
    """The next bytes of a data frame of a compressed message, unmasked. Returns as take_data."""
    cdef bint last = decoder.fin and decoder.remaining == 0
    cdef int error = inflate_data(decoder, &chunk, &size, last)
    if error != FRAME_ERROR_NONE:
        return error
    if last:
        decoder.compressed = False
        deflate_end(decoder.deflate)
    return add_data(decoder, chunk, size, last, event)


cdef inline int add_data(
    frame_decoder_t* decoder, uint8_t* chunk, size_t size, bint last, frame_event_t* event
) noexcept nogil:
    """Give a message that is complete; keep what completes none."""
    cdef int error
    if decoder.remaining == 0:
        decoder.state = FRAME_STATE_HEADER
    if not last or decoder.message_length > 0:
        error = append(decoder, chunk, size)
        if error != FRAME_ERROR_NONE:
            return error
        if not last:
            return FRAME_NEED_MORE
        decoder.state = FRAME_STATE_GIVEN
        chunk = decoder.message
        size = decoder.message_length
    event.kind = FRAME_EVENT_MESSAGE
    event.opcode = decoder.message_opcode
    event.payload = chunk
    event.length = size
    decoder.message_opcode = 0
    return FRAME_ERROR_NONE


cdef int read_close(
    frame_decoder_t* decoder, uint8_t* payload, size_t size, frame_event_t* event
) noexcept nogil:
    """Code and reason of a close frame: sections 5.5.1 and 7.4."""
    cdef uint16_t code = 1005
    if size == 1:
        return FRAME_ERROR_CLOSE_LENGTH
    if size >= 2:
        code = payload[0] << 8 | payload[1]
        if not code_may_be_received(code):
            return FRAME_ERROR_CLOSE_CODE
        payload += 2
        size -= 2
        if utf8_check(UTF8_ACCEPT, payload, size) != UTF8_ACCEPT:
            return FRAME_ERROR_UTF8
    give_up_message(decoder)
    decoder.state = FRAME_STATE_CLOSED
    event.kind = FRAME_EVENT_CLOSE
    event.close_code = code
    event.payload = payload
    event.length = size
    return FRAME_ERROR_NONE


cdef int take_control(
    frame_decoder_t* decoder, uint8_t* chunk, size_t size, frame_event_t* event
) noexcept nogil:
    """The next bytes of a control frame, unmasked. FRAME_NEED_MORE when they do not complete it."""
    if decoder.remaining > 0 or decoder.control_length > 0:
        memcpy(decoder.control + decoder.control_length, chunk, size)
        decoder.control_length += <uint8_t>size
        if decoder.remaining > 0:
            return FRAME_NEED_MORE
        chunk = decoder.control
        size = decoder.control_length
    decoder.state = FRAME_STATE_HEADER
    event.opcode = decoder.opcode
    if decoder.opcode == FRAME_CLOSE:
        return read_close(decoder, chunk, size, event)
    event.kind = FRAME_EVENT_PING if decoder.opcode == FRAME_PING else FRAME_EVENT_PONG
    event.payload = chunk
    event.length = size
    return FRAME_ERROR_NONE


cdef int fail(frame_decoder_t* decoder, int error, frame_event_t* event) noexcept nogil:
    give_up_message(decoder)
    decoder.failed = <uint8_t>error
    memset(event, 0, sizeof(frame_event_t))
    event.kind = FRAME_EVENT_ERROR
    event.error = error
    event.close_code = code_for_error(error)
    return FRAME_EVENT_ERROR


# ---- decoder ------------------------------------------------------------------------------------


cdef void frame_decoder_init(
    frame_decoder_t* decoder, bint server_role, uint64_t max_frame, uint64_t max_message
) noexcept nogil:
    memset(decoder, 0, sizeof(frame_decoder_t))
    decoder.max_frame = max_frame
    decoder.max_message = max_message
    decoder.expects_mask = server_role


cdef void frame_decoder_free(frame_decoder_t* decoder) noexcept nogil:
    give_up_message(decoder)


cdef int frame_next(
    frame_decoder_t* decoder, uint8_t* data, size_t length, size_t* used, frame_event_t* event
) noexcept nogil:
    cdef uint8_t* chunk
    cdef size_t size
    cdef int outcome
    memset(event, 0, sizeof(frame_event_t))
    if decoder.failed:
        used[0] = length
        return fail(decoder, decoder.failed, event)
    if decoder.state == FRAME_STATE_GIVEN:
        drop_message(decoder)
        decoder.state = FRAME_STATE_HEADER
    while decoder.state != FRAME_STATE_CLOSED:
        if decoder.state == FRAME_STATE_HEADER:
            outcome = take_header(decoder, data, length, used)
            if outcome == FRAME_NEED_MORE:
                return FRAME_EVENT_NONE
            if outcome != FRAME_ERROR_NONE:
                return fail(decoder, outcome, event)
        elif used[0] == length:
            return FRAME_EVENT_NONE
        chunk = data + used[0]
        size = take_chunk(decoder, chunk, length - used[0])
        used[0] += size
        if decoder.opcode & FRAME_CONTROL_BIT:
            outcome = take_control(decoder, chunk, size, event)
        elif decoder.compressed:
            outcome = take_compressed(decoder, chunk, size, event)
        else:
            outcome = take_data(decoder, chunk, size, event)
        if outcome == FRAME_ERROR_NONE:
            return event.kind
        if outcome != FRAME_NEED_MORE:
            return fail(decoder, outcome, event)
    used[0] = length
    return FRAME_EVENT_NONE


# ---- Python -------------------------------------------------------------------------------------


CONTINUATION = FRAME_CONTINUATION
TEXT = FRAME_TEXT
BINARY = FRAME_BINARY
CLOSE = FRAME_CLOSE
PING = FRAME_PING
PONG = FRAME_PONG
DEFAULT_LIMIT = FRAME_DEFAULT_LIMIT
ERRORS = tuple([
    frame_error_name(error).decode("ascii")
    for error in range(FRAME_ERROR_RESERVED_BITS, FRAME_ERROR_DEFLATE + 1)
])

KINDS = ("none", "message", "ping", "pong", "close", "error")


class Event(NamedTuple):
    """What the decoder found.

    `kind` is "message", "ping", "pong", "close" or "error". `payload` is the message, the
    application data or the reason. `close_code` is the code received (1005 for none), or the one
    to answer an error with; else None. `error` is the stable name of the error, else None.
    """

    kind: str
    opcode: int
    payload: bytes
    close_code: int | None
    error: str | None


@final
cdef class Decoder:
    """The decoder for one connection, for tests and for use from Python.

    `role` is the role of the side that decodes: "client" expects unmasked frames, "server" masked
    ones. `max_frame` and `max_message` are in bytes. `deflate` is the `deflate.Terms` that were
    agreed on, None where messages are not compressed.
    """

    cdef frame_decoder_t c

    def __cinit__(
        self,
        role: str,
        *,
        max_frame: int = FRAME_DEFAULT_LIMIT,
        max_message: int = FRAME_DEFAULT_LIMIT,
        deflate=None,
    ):
        if role not in ("client", "server"):
            raise ValueError(f"{role!r} is no role; use 'client' or 'server'")
        for name, limit in (("max_frame", max_frame), ("max_message", max_message)):
            if not 0 <= limit < 1 << 63:
                raise ValueError(f"{name}={limit} is out of range; use 0 to 2**63 - 1 bytes")
        frame_decoder_init(&self.c, role == "server", max_frame, max_message)
        if deflate is not None:
            self.c.deflate = deflate_from_terms(deflate)

    def __dealloc__(self):
        frame_decoder_free(&self.c)
        deflate_free(self.c.deflate)

    @property
    def failed(self) -> str | None:
        """Name of the error that ended decoding, or None."""
        return frame_error_name(self.c.failed).decode("ascii") if self.c.failed else None

    @property
    def buffer_bytes(self) -> int:
        """Size of the buffer that holds an incomplete message now."""
        return self.c.message_capacity

    def feed(self, data: bytes) -> list[Event]:
        """Decode the next bytes and return what they complete, in order.

        An error is the last event; from then on the decoder returns nothing.
        """
        cdef size_t length = len(data)
        cdef size_t used = 0
        cdef frame_event_t event
        # A copy of exactly this size, because payloads are unmasked in place.
        cdef uint8_t* copy = <uint8_t*>malloc(length if length else 1)
        if copy == NULL:
            raise MemoryError
        events = []
        try:
            memcpy(copy, <const uint8_t*>data, length)
            while not self.c.failed:
                if frame_next(&self.c, copy, length, &used, &event) == FRAME_EVENT_NONE:
                    break
                events.append(to_python(&event))
        finally:
            free(copy)
        return events


cdef object to_python(const frame_event_t* event):
    return Event(
        KINDS[event.kind],
        event.opcode,
        event.payload[:event.length] if event.length else b"",
        event.close_code if event.close_code else None,
        frame_error_name(event.error).decode("ascii") if event.error else None,
    )


def encode(opcode: int, payload: bytes, fin: bool = True, mask_key: bytes | None = None) -> bytes:
    """Return one frame, masked with the 4 bytes of `mask_key` if there are any.

    Raises ValueError for an opcode that RFC 6455 does not define, for a control frame that is a
    fragment or longer than 125 bytes, and for a key that is not 4 bytes long.
    """
    if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
        raise ValueError(f"{opcode} is no opcode; use 0, 1, 2, 8, 9 or 10")
    if opcode & FRAME_CONTROL_BIT and not (fin and len(payload) <= FRAME_MAX_CONTROL):
        raise ValueError("a control frame is whole and has at most 125 bytes (RFC 6455, 5.5)")
    if mask_key is not None and len(mask_key) != 4:
        raise ValueError(f"a masking key has 4 bytes, not {len(mask_key)}")
    cdef uint32_t key = 0
    cdef bint masked = mask_key is not None
    cdef size_t header = frame_header_size(len(payload), masked)
    cdef bytearray frame = bytearray(header) + payload
    if masked:
        memcpy(&key, <const uint8_t*><bytes>mask_key, 4)
        mask_apply(<uint8_t*>frame + header, len(payload), key, 0)
    frame_write_header(<uint8_t*>frame, opcode, fin, len(payload), masked, key)
    return bytes(frame)
