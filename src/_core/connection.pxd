from libc.stdint cimport int64_t, uint8_t, uint16_t

from surgewire._core.deflate cimport deflate_t
from surgewire._core.frame cimport frame_decoder_t
from surgewire._core.stream cimport Stream

# Where a connection is in its life.
cdef enum:
    CONNECTION_NEW = 0
    CONNECTION_UPGRADING = 1
    CONNECTION_OPEN = 2
    CONNECTION_CLOSING = 3      # a close frame was sent or received, or the transport is closing
    CONNECTION_CLOSED = 4


cdef class Connection(Stream):
    cdef object owner
    cdef object handshake
    cdef frame_decoder_t decoder
    cdef deflate_t* deflate             # NULL where compression was not agreed on
    cdef uint8_t phase
    cdef bint client
    cdef bint close_sent
    cdef bint awaits_close              # we sent a close frame; the peer's has not come
    cdef bint close_begun               # the closing handshake began with us
    cdef bint close_answered            # and the peer's close frame came
    cdef readonly object manners        # how it misbehaves on purpose; None where it does not
    cdef readonly int64_t tcp_ns        # when the transport was there
    cdef readonly int64_t secured_ns    # when TLS was complete; 0 without TLS
    cdef readonly int64_t open_ns       # when the upgrade was complete

    # What a kind of connection does; the base class ignores messages.
    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept
    # The upgrade is complete; the owner is told next.
    cdef void on_open(self) noexcept
    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept
    # All that one read brought has been handled.
    cdef void on_read_done(self) noexcept

    # Writes a message in its frame, compressed where that was agreed on, into
    # deflate_frame_bound(length) bytes; returns the frame's size.
    cdef size_t frame_message(
        self, uint8_t* out, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept nogil
    cdef int send_frame(self, uint8_t opcode, const uint8_t* payload, size_t length) noexcept
    cdef void parse(self, uint8_t* data, size_t length) noexcept
    cdef void fail(self, int error, uint16_t close_code) noexcept
    cdef void on_close_frame(self, uint16_t code) noexcept
    cdef void feed_handshake(self, size_t length) noexcept
    cdef void book_loss(self, object exc) noexcept
    cdef void begin_close(self, object kind) noexcept
    cdef int _start_upgrade(self) except -1
    cdef int _send_close(self, uint16_t code, bytes reason) except -1
