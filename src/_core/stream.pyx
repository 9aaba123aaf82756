"""How the bytes of a connection come and go, on an asyncio transport: the native module for I/O.

`Stream` implements the reading and writing half of asyncio's `BufferedProtocol`. All streams of a
worker read into one buffer (`ReceiveBuffer`), where the bytes are handled in place. On plain TCP a
`poller` can take the reading over from the loop. Writing tries `send(2)` on the descriptor at once
and leaves to the transport only what the kernel did not take, and only while the transport holds
nothing older, so that order is kept. TLS (`tls_link`) lies between that and what a connection does
with its bytes. Where there is no descriptor, the transport does all the reading and writing.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.errno cimport (
    EAGAIN,
    ECONNRESET,
    EHOSTUNREACH,
    EINTR,
    ENETUNREACH,
    ETIMEDOUT,
    errno,
)
from libc.stdint cimport uint8_t, uint64_t

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.poller cimport Poller
from surgewire._core.tls_context cimport TLS_INLET_BYTES, TLS_PLAIN_SLACK, tls_wire_t
from surgewire._core.tls_link cimport TLS_ENDED, TLS_SECURE, TLS_SHAKING, TlsLink
from surgewire._core.witness cimport Witness

cdef extern from "sys/socket.h" nogil:
    ssize_t recv(int fd, void* data, size_t length, int flags)
    ssize_t send(int fd, const void* data, size_t length, int flags)
    int setsockopt(int fd, int level, int name, const void* value, unsigned int length)
    int MSG_DONTWAIT
    int SOL_SOCKET
    int SO_LINGER
    cdef struct linger:
        int l_onoff
        int l_linger

cdef extern from *:
    """
    #include <sys/socket.h>
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0
    #endif
    """
    int MSG_NOSIGNAL

cdef extern from *:
    """
    #include <netinet/in.h>
    #include <netinet/tcp.h>
    static int stream_set_quickack(int fd, int on) {
    #ifdef TCP_QUICKACK
        return setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    #else
        (void)fd; (void)on;
        return 0;
    #endif
    }
    """
    int stream_set_quickack(int fd, int on) nogil

# Where connections without counters of their own count their bytes.
cdef uint64_t _uncounted[2]


cdef class ReceiveBuffer:
    """The memory that the loop reads into, one for all connections of a loop.

    size: bytes. One read takes at most this much.
    """

    def __cinit__(self, size_t size = 262144):
        cdef uint8_t[::1] view
        if size < 4096:
            raise ValueError(f"a receive buffer needs at least 4096 bytes, not {size}")
        memory = bytearray(size)
        view = memory
        self.view = memoryview(memory)
        self.data = &view[0]
        self.size = size


cdef class Stream:
    """One transport's bytes; a base class for native modules, which handle them in `on_bytes`.

    buffer: the loop's receive buffer. poller: reads in the loop's place from `take_over_reading`
    on, where there is a descriptor to read from; None leaves all reading to the loop.
    """

    def __cinit__(self, ReceiveBuffer buffer not None, *args, Poller poller = None, **kwargs):
        self.buffer = buffer
        self.poller = poller
        self.fd = -1
        self.acked_fd = -1
        self.bytes_in = &_uncounted[0]
        self.bytes_out = &_uncounted[1]

    def fileno(self) -> int:
        """Return the descriptor, -1 where there is none that can be written to directly."""
        return self.fd

    def acknowledge(self, int fd, bint at_once) -> None:
        """Have the system acknowledge at once what comes on the socket `fd`, or as late as it may.

        The system leaves that mode by itself (tcp(7), TCP_QUICKACK), so that it is set again after
        each read.
        """
        self.acked_fd = fd
        self.acked_at_once = at_once
        stream_set_quickack(fd, at_once)

    def observe(self, witness: Witness) -> None:
        """Let a witness compare our stamps with the kernel's from now on."""
        self.witness = witness

    def secure(self, TlsLink link not None) -> None:
        """Use TLS; to be said before there is a transport, when the handshake begins.

        Raises ValueError where the receive buffer is too small for it.
        """
        if self.buffer.size < TLS_INLET_BYTES + TLS_PLAIN_SLACK:
            raise ValueError(f"TLS needs a receive buffer of {TLS_INLET_BYTES + TLS_PLAIN_SLACK}")
        self.link = link

    # What asyncio calls.

    def get_buffer(self, sizehint):
        """Lend the loop the receive buffer."""
        cdef int broken
        if self.witness is not None:
            broken = self.witness.before_read()
            if broken != 0:
                self.socket_errno = broken
        return self.buffer.view if self.link is None else self.link.context.view

    def buffer_updated(self, Py_ssize_t nbytes) -> None:
        """Handle `nbytes` bytes that the loop has read."""
        self.take_in(<size_t>nbytes)

    def pause_writing(self) -> None:
        """Take no notice: `unsent_bytes` is asked before every write that may wait."""

    def resume_writing(self) -> None:
        """Take no notice (see `pause_writing`)."""

    # Reading.

    cdef void take_in(self, size_t length) noexcept:
        """Handle what lies in the receive buffer."""
        self.arrival_ns = clock_now_ns()
        if self.witness is not None:
            self.witness.after_read(self.arrival_ns)
        self.bytes_in[0] += length
        if self.acked_fd >= 0:
            stream_set_quickack(self.acked_fd, self.acked_at_once)
        if self.link is None:
            self.on_bytes(length)
        else:
            self.unwrap(length)

    cdef void on_bytes(self, size_t length) noexcept:
        pass

    cdef void on_readable(self) noexcept:
        cdef ssize_t length
        cdef int broken
        cdef uint8_t* into = self.buffer.data
        cdef size_t room = self.buffer.size
        if self.link is not None:
            into, room = self.link.context.data, self.link.context.size
        if self.witness is not None:
            broken = self.witness.before_read()
            if broken != 0:
                self.socket_errno = broken
        length = recv(self.fd, into, room, MSG_DONTWAIT)
        if length > 0:
            self.take_in(<size_t>length)
        elif length == 0:
            self.hand_back_reading()
        elif errno != EAGAIN and errno != EINTR:
            self.socket_errno = errno
            self.hand_back_reading()

    cdef void take_over_reading(self) noexcept:
        if self.poller is None or self.fd < 0:
            return
        if self.poller.add(self, self.fd) == 0:
            self.transport.pause_reading()

    cdef void hand_back_reading(self) noexcept:
        """Let the loop find out what there is besides data: it closes the transport."""
        self.poller.remove(self)
        if not self.transport.is_closing():
            self.transport.resume_reading()

    # TLS.

    cdef void begin_link(self) noexcept:
        """Begin the handshake."""
        self.link.advance()
        self.flush_link(self.link)

    cdef void unwrap(self, size_t length) noexcept:
        """Handle what has come and is encrypted."""
        cdef TlsLink link = self.link
        cdef bint shaking = link.state == TLS_SHAKING
        cdef size_t plain = link.take_in(
            link.context.data, length, self.buffer.data, self.buffer.size
        )
        self.flush_link(link)
        if shaking and link.state == TLS_SECURE:
            self.on_secured()
        if plain > 0:
            self.on_bytes(plain)
        if link.state >= TLS_ENDED and self.transport is not None:
            self.on_link_down()

    cdef int flush_link(self, TlsLink link) noexcept:
        """Send what OpenSSL has written."""
        cdef tls_wire_t* wire = &link.context.wire
        cdef size_t length = wire.length
        wire.length = 0
        return self.write_out(wire.outgoing, length) if length > 0 else 0

    cdef void on_secured(self) noexcept:
        pass

    cdef void on_link_down(self) noexcept:
        pass

    # Writing.

    cdef size_t unsent_bytes(self) noexcept:
        cdef size_t waiting
        if self.transport is None:
            return 0
        if self.fd >= 0 and not self.backlogged:
            return 0
        waiting = self.transport.get_write_buffer_size()
        if waiting == 0:
            self.backlogged = False
        return waiting

    cdef int write(self, const uint8_t* data, size_t length) noexcept:
        if self.link is None:
            return self.write_out(data, length)
        if self.transport is None or self.socket_errno != 0:
            return -1
        if self.link.put(data, length) != 0:
            self.link.context.wire.length = 0
            self.transport.abort()
            return -1
        return self.flush_link(self.link)

    cdef int write_out(self, const uint8_t* data, size_t length) noexcept:
        cdef ssize_t taken = 0
        if self.transport is None or self.socket_errno != 0:
            return -1
        if self.fd >= 0 and (not self.backlogged or self.unsent_bytes() == 0):
            if self.witness is not None and self.witness.asks_send:
                taken = self.witness.send(data, length)
            else:
                taken = send(self.fd, data, length, MSG_DONTWAIT | MSG_NOSIGNAL)
            if taken < 0:
                if errno != EAGAIN and errno != EINTR:
                    # The loop learns of it too, but by then the socket may have forgotten why.
                    self.socket_errno = errno
                    return -1
                taken = 0
            if <size_t>taken == length:
                self.bytes_out[0] += length
                return 0
            self.backlogged = True
        self.transport.write(
            PyBytes_FromStringAndSize(<const char*>data + taken, length - <size_t>taken)
        )
        self.bytes_out[0] += length
        return 0

    # The end.

    cdef void close_transport(self) noexcept:
        """Close once all is sent; with TLS, say so to the peer (RFC 8446 section 6.1)."""
        if self.transport is None:
            return
        if self.link is not None:
            self.link.finish()
            self.flush_link(self.link)
        self.transport.close()

    cdef object loss_kind(self, object exc, object at_eof):
        cdef int code = self.socket_errno
        if self.link is not None and self.link.kind is not None:
            return self.link.kind
        if code == 0 and isinstance(exc, OSError):
            code = exc.errno or ECONNRESET
        if code == ETIMEDOUT:
            return "tcp_timeout"
        if code == EHOSTUNREACH or code == ENETUNREACH:
            return "tcp_unreachable"
        return at_eof if code == 0 else "tcp_reset"

    cdef void reset_at_close(self) noexcept:
        cdef linger at_once
        cdef object plain = self.transport.get_extra_info("socket")
        at_once.l_onoff, at_once.l_linger = 1, 0
        if plain is not None:
            setsockopt(plain.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(linger))

    cdef void release(self) noexcept:
        """Let the transport go, before its descriptor becomes another's."""
        if self.poller is not None:
            self.poller.remove(self)
            self.poller = None
        self.fd = -1
        self.acked_fd = -1
        self.link = None
        self.transport = None
        self.witness = None
