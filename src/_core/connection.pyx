"""One WebSocket connection: the opening handshake, frames, the closing handshake, and its ends.

How bytes come and go is in `stream`; what a kind of connection does with messages is in its
subclass (`traffic`, `echo`).

An owner is told what happens to a connection, by these methods:

- `secured(connection)`: TLS is there, the upgrade begins; where TLS was asked for;
- `opened(connection)`: the upgrade is complete;
- `failed(connection, kind)`: it ended before that;
- `closed(connection, kind)`: it was open and ends now; kind is `None` where `close()` began it;
- `gone(connection)`: the transport is closed; the last call.

`kind` is a name of the error taxonomy. No method of a connection raises into the event loop.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from surgewire._core.clock cimport clock_now_ns
from surgewire._core.deflate cimport deflate_free, deflate_from_terms
from surgewire._core.deflate_frame cimport deflate_write_frame
from surgewire._core.frame cimport (
    FRAME_CLOSE,
    FRAME_DEFAULT_LIMIT,
    FRAME_EVENT_CLOSE,
    FRAME_EVENT_ERROR,
    FRAME_EVENT_MESSAGE,
    FRAME_EVENT_NONE,
    FRAME_EVENT_PING,
    FRAME_EVENT_PONG,
    FRAME_MAX_HEADER,
    FRAME_PONG,
    frame_decoder_free,
    frame_decoder_init,
    frame_error_name,
    frame_event_t,
    frame_next,
    frame_write_header,
)
from surgewire._core.mask cimport mask_apply, mask_next_key

cdef enum:
    MAX_CONTROL_PAYLOAD = 125
    # A peer that pings without reading must not make us hold its pongs in memory.
    MAX_UNSENT_FOR_PONG = 65536

cdef class Connection:
    """A WebSocket in the client or server role, as a protocol for `loop.create_connection`.

    buffer: the loop's receive buffer. owner: is told what happens (see the module).
    handshake: an object with `start() -> bytes`, what to send first, and
    `feed(data) -> (reply, done, rest)`, which raises `UpgradeError` (with `kind` and `reply`). Its
    attribute `deflate`, if it has one, is the `deflate.Terms` that were agreed on, or None.
    client: the role. max_message_bytes: limit for frames
    and messages. poller: reads in the loop's place once the connection is open, where there is a
    descriptor to read from; None leaves all reading to the loop.
    """

    def __cinit__(
        self,
        buffer,
        object owner,
        object handshake,
        *args,
        bint client = True,
        uint64_t max_message_bytes = FRAME_DEFAULT_LIMIT,
        **kwargs,
    ):
        self.owner = owner
        self.handshake = handshake
        self.client = client
        self.phase = CONNECTION_NEW
        frame_decoder_init(&self.decoder, not client, max_message_bytes, max_message_bytes)

    def __dealloc__(self):
        frame_decoder_free(&self.decoder)
        deflate_free(self.deflate)

    # What asyncio calls.

    def connection_made(self, transport) -> None:
        """Keep the transport; begin the upgrade, or before that TLS."""
        self.tcp_ns = clock_now_ns()
        self.transport = transport
        self.fd = transport.get_extra_info("socket").fileno()
        if self.link is None:
            self._start_upgrade()
        else:
            self.begin_link()

    def eof_received(self) -> None:
        """Book the end now and let the transport close.

        It first sends what it holds, which a peer that reads no more can put off for ever.
        """
        if self.phase == CONNECTION_OPEN:
            self.begin_close(self.loss_kind(None, "eof"))

    def connection_lost(self, exc) -> None:
        """Book the end and let everything go."""
        self.book_loss(exc)
        self.phase = CONNECTION_CLOSED
        self.release()
        self.handshake = None
        owner, self.owner = self.owner, None
        if owner is not None:
            owner.gone(self)

    # What owners call.

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.phase == CONNECTION_OPEN

    @property
    def is_deflated(self) -> bool:
        """Whether both sides may compress messages."""
        return self.deflate != NULL

    def close(self, uint16_t code = 1000, bytes reason = b"") -> None:
        """Begin the closing handshake (RFC 6455 section 7.1.2); without an upgrade, just end.

        reason: UTF-8, at most 123 bytes; more is cut off.
        """
        if self.phase == CONNECTION_OPEN:
            self.close_begun = True
            self._send_close(code, reason)
            self.begin_close(None)
        elif self.phase < CONNECTION_OPEN:
            self.abort("cancelled")

    @property
    def was_answered(self) -> bool | None:
        """Whether the peer answered the close frame that we began with; None where we did not."""
        return self.close_answered if self.close_begun else None

    def reset(self) -> None:
        """End at once by a TCP reset, as far as the transport has one."""
        if self.transport is not None:
            self.reset_at_close()
        self.abort(None)

    def abort(self, kind: str | None = None) -> None:
        """End at once, without a closing handshake. kind: what to book it as."""
        if self.phase < CONNECTION_CLOSING:
            self.begin_close(kind)
        if self.transport is not None:
            self.transport.abort()

    # The upgrade.

    cdef void on_bytes(self, size_t length) noexcept:
        if self.phase == CONNECTION_UPGRADING:
            self.feed_handshake(length)
        else:
            self.parse(self.buffer.data, length)
        self.on_read_done()

    cdef void on_secured(self) noexcept:
        self.secured_ns = clock_now_ns()
        self.owner.secured(self)
        self._start_upgrade()

    cdef void on_link_down(self) noexcept:
        self.book_loss(None)
        self.close_transport()

    cdef int _start_upgrade(self) except -1:
        cdef bytes request = self.handshake.start()
        self.phase = CONNECTION_UPGRADING
        if request:
            self.write(<const uint8_t*>PyBytes_AS_STRING(request), len(request))
        return 0

    cdef void feed_handshake(self, size_t length) noexcept:
        cdef bytes reply
        cdef bytearray rest
        cdef uint8_t[::1] view
        received = PyBytes_FromStringAndSize(<char*>self.buffer.data, length)
        try:
            reply, done, tail = self.handshake.feed(received)
        except Exception as error:
            # An UpgradeError says what to answer; anything else is a response beyond repair.
            reply = getattr(error, "reply", b"")
            if reply:
                self.write(<const uint8_t*>PyBytes_AS_STRING(reply), len(reply))
            self.begin_close(getattr(error, "kind", "upgrade_invalid"))
            self.close_transport()
            return
        if reply:
            self.write(<const uint8_t*>PyBytes_AS_STRING(reply), len(reply))
        if not done:
            return
        terms = getattr(self.handshake, "deflate", None)
        if terms is not None:
            self.deflate = self.decoder.deflate = deflate_from_terms(terms)
        self.handshake = None
        self.phase = CONNECTION_OPEN
        self.open_ns = self.arrival_ns
        self.on_open()
        self.owner.opened(self)
        if tail:
            rest = bytearray(tail)
            view = rest
            self.parse(&view[0], len(rest))
        if self.phase == CONNECTION_OPEN:
            self.take_over_reading()

    # Frames.

    cdef void parse(self, uint8_t* data, size_t length) noexcept:
        cdef frame_event_t event
        cdef size_t used = 0
        cdef int kind
        while self.phase == CONNECTION_OPEN or (
            self.phase == CONNECTION_CLOSING and self.awaits_close
        ):
            kind = frame_next(&self.decoder, data, length, &used, &event)
            if kind == FRAME_EVENT_NONE:
                return
            if kind == FRAME_EVENT_MESSAGE:
                if self.phase == CONNECTION_OPEN:
                    self.on_message(event.opcode, event.payload, event.length)
            elif kind == FRAME_EVENT_PING:
                if self.phase == CONNECTION_OPEN and self.unsent_bytes() <= MAX_UNSENT_FOR_PONG:
                    self.send_frame(FRAME_PONG, event.payload, event.length)
            elif kind == FRAME_EVENT_PONG:
                if self.phase == CONNECTION_OPEN:
                    self.on_pong(event.payload, event.length)
            elif kind == FRAME_EVENT_CLOSE:
                self.on_close_frame(event.close_code)
                return
            elif kind == FRAME_EVENT_ERROR:
                self.fail(event.error, event.close_code)
                return

    cdef void on_message(self, uint8_t opcode, uint8_t* payload, size_t length) noexcept:
        pass

    cdef void on_open(self) noexcept:
        pass

    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept:
        pass

    cdef void on_read_done(self) noexcept:
        pass

    cdef void on_close_frame(self, uint16_t code) noexcept:
        if self.phase == CONNECTION_OPEN:
            self.on_read_done()
            self._send_close(code, b"")
            self.begin_close(f"close_{code}")
        elif self.awaits_close:
            self.close_answered = True
        self.awaits_close = False
        # The server closes the TCP connection first (RFC 6455 section 7.1.1): the client's ports
        # do not linger in TIME_WAIT. The owner bounds the wait.
        if not self.client:
            self.close_transport()

    cdef void fail(self, int error, uint16_t close_code) noexcept:
        name = frame_error_name(error).decode("ascii")
        if self.phase == CONNECTION_OPEN:
            self.on_read_done()
            self._send_close(close_code, b"")
            self.begin_close(f"protocol_{name}")
        self.awaits_close = False
        self.close_transport()

    cdef void book_loss(self, object exc) noexcept:
        """Name an end that nobody announced by what had been reached, or by what broke it."""
        if self.phase == CONNECTION_NEW and self.link is not None:
            self.begin_close(self.loss_kind(exc, "tls_eof"))
        elif self.phase < CONNECTION_OPEN:
            self.begin_close(self.loss_kind(exc, "upgrade_eof"))
        elif self.phase == CONNECTION_OPEN:
            self.begin_close(self.loss_kind(exc, "eof"))

    cdef void begin_close(self, object kind) noexcept:
        was = self.phase
        self.phase = CONNECTION_CLOSING
        if self.owner is None:
            return
        if was == CONNECTION_OPEN:
            self.owner.closed(self, kind)
        else:
            self.owner.failed(self, kind)

    cdef int _send_close(self, uint16_t code, bytes reason) except -1:
        cdef uint8_t payload[MAX_CONTROL_PAYLOAD]
        # 1005 and 1006 say that no code came; they never travel (RFC 6455 section 7.4.1).
        cdef size_t length = 0 if code == 1005 or code == 1006 or code == 0 else 2
        if length:
            length += min(<size_t>len(reason), <size_t>(MAX_CONTROL_PAYLOAD - 2))
            memcpy(payload + 2, PyBytes_AS_STRING(reason), length - 2)
        payload[0] = <uint8_t>(code >> 8)
        payload[1] = <uint8_t>(code & 0xFF)
        if not self.close_sent:
            self.close_sent = True
            self.awaits_close = True
            self.send_frame(FRAME_CLOSE, payload, length)
        return 0

    cdef size_t frame_message(
        self, uint8_t* out, uint8_t opcode, const uint8_t* payload, size_t length
    ) noexcept nogil:
        cdef size_t header, size = 0
        cdef uint32_t key = 0
        if self.deflate != NULL:
            size = deflate_write_frame(self.deflate, out, opcode, payload, length, self.client)
        if size > 0:
            return size
        if self.client:
            key = mask_next_key()
        header = frame_write_header(out, opcode, True, length, self.client, key)
        memcpy(out + header, payload, length)
        if self.client:
            mask_apply(out + header, length, key, 0)
        return header + length

    cdef int send_frame(self, uint8_t opcode, const uint8_t* payload, size_t length) noexcept:
        """Send a control frame."""
        cdef uint8_t frame[FRAME_MAX_HEADER + MAX_CONTROL_PAYLOAD]
        cdef uint32_t key = 0
        cdef size_t header
        if length > MAX_CONTROL_PAYLOAD:
            return -1
        if self.client:
            key = mask_next_key()
        header = frame_write_header(frame, opcode, True, length, self.client, key)
        memcpy(frame + header, payload, length)
        if self.client:
            mask_apply(frame + header, length, key, 0)
        return self.write(frame, header + length)
