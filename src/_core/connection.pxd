from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from surgewire._core.frame cimport frame_decoder_t
from surgewire._core.poller cimport Pollable, Poller
from surgewire._core.witness cimport Witness

# Where a connection is in its life.
cdef enum:
    CONNECTION_NEW = 0
    CONNECTION_UPGRADING = 1
    CONNECTION_OPEN = 2
    CONNECTION_CLOSING = 3      # a close frame was sent or received, or the transport is closing
    CONNECTION_CLOSED = 4


cdef class ReceiveBuffer:
    cdef object view
    cdef uint8_t* data
    cdef readonly size_t size


cdef class Connection(Pollable):
    cdef ReceiveBuffer buffer
    cdef object owner
    cdef object transport
    cdef object handshake
    cdef Witness witness
    cdef Poller poller
    cdef frame_decoder_t decoder
    cdef int fd                         # -1 where the transport must do the writing
    cdef uint8_t phase
    cdef bint client
    cdef bint tls
    cdef bint backlogged                # the transport may hold bytes that the kernel did not take
    cdef bint close_sent
    cdef bint awaits_close              # we sent a close frame; the peer's has not come
    cdef int socket_errno               # what broke the socket, where the loop may not hear of it
    cdef int64_t arrival_ns             # of the read being handled
    cdef readonly int64_t tcp_ns        # when the transport was there
    cdef readonly int64_t secured_ns    # when TLS was complete; 0 without TLS
    cdef readonly int64_t open_ns       # when the upgrade was complete
    cdef uint64_t* bytes_in
    cdef uint64_t* bytes_out

    # What a kind of connection does; the base class ignores messages.
    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept
    # All that one read brought has been handled.
    cdef void on_read_done(self) noexcept

    # 0: the kernel or the transport took it all. -1: the connection is broken, nothing was taken.
    cdef int write(self, const uint8_t* data, size_t length) noexcept
    # Bytes that wait in the transport.
    cdef size_t unsent_bytes(self) noexcept
    cdef int send_frame(self, uint8_t opcode, const uint8_t* payload, size_t length) noexcept
    cdef void parse(self, uint8_t* data, size_t length) noexcept
    cdef void fail(self, int error, uint16_t close_code) noexcept
    cdef void on_close_frame(self, uint16_t code) noexcept
    cdef void feed_handshake(self, size_t length) noexcept
    cdef void begin_close(self, object kind) noexcept
    cdef void take_in(self, size_t length) noexcept
    cdef void take_over_reading(self) noexcept
    cdef void hand_back_reading(self) noexcept
    cdef int _start_upgrade(self) except -1
    cdef int _send_close(self, uint16_t code) except -1
    cdef object _loss(self, object exc, object at_eof)
