from libc.stdint cimport int64_t, uint8_t, uint64_t

from surgewire._core.poller cimport Pollable, Poller
from surgewire._core.tls_link cimport TlsLink
from surgewire._core.witness cimport Witness


cdef class ReceiveBuffer:
    cdef object view
    cdef uint8_t* data
    cdef readonly size_t size


cdef class Stream(Pollable):
    cdef ReceiveBuffer buffer
    cdef object transport
    cdef Witness witness
    cdef Poller poller
    cdef readonly TlsLink link          # None without TLS
    cdef int fd                         # -1 where the transport must do the writing
    cdef bint backlogged                # the transport may hold bytes that the kernel did not take
    cdef int acked_fd                   # whose TCP_QUICKACK is kept up; -1 leaves it to the system
    cdef int acked_at_once              # what it is set to
    cdef int socket_errno               # what broke the socket, where the loop may not hear of it
    cdef int64_t arrival_ns             # of the read being handled
    cdef uint64_t* bytes_in
    cdef uint64_t* bytes_out

    # What was read lies at the beginning of the buffer.
    cdef void on_bytes(self, size_t length) noexcept
    # 0: the kernel or the transport took it all. -1: the connection is broken, nothing was taken.
    cdef int write(self, const uint8_t* data, size_t length) noexcept
    # The same for bytes as they go over the wire.
    cdef int write_out(self, const uint8_t* data, size_t length) noexcept
    # Bytes that wait in the transport.
    cdef size_t unsent_bytes(self) noexcept
    cdef void take_in(self, size_t length) noexcept
    # What TLS has come to: it is there; it has ended or broken, as the link says.
    cdef void on_secured(self) noexcept
    cdef void on_link_down(self) noexcept
    cdef void begin_link(self) noexcept
    cdef void unwrap(self, size_t length) noexcept
    cdef int flush_link(self, TlsLink link) noexcept
    cdef void close_transport(self) noexcept
    cdef void take_over_reading(self) noexcept
    cdef void hand_back_reading(self) noexcept
    # Name in the taxonomy of a loss with exception `exc`; `at_eof` where it was an orderly end.
    cdef object loss_kind(self, object exc, object at_eof)
    # Closing is to send a reset (RST) instead of an end of stream, where the transport is TCP's.
    cdef void reset_at_close(self) noexcept
    cdef void release(self) noexcept
