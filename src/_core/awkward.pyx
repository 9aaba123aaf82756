"""Users that misbehave on purpose: those of echo, chat and connect runs.

Each is a user like all others, but for what its `reins` do to its reading and sending, and for its
account, which is kept apart: the second row of an echo run's ledger, the second row of its room in
a chat run. A run that only connects has none.
"""

from libc.stdint cimport uint8_t

from surgewire._core.chat_traffic cimport ChatTraffic, ChatUser
from surgewire._core.connect_traffic cimport ConnectTraffic, ConnectUser
from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.echo_traffic cimport EchoTraffic, EchoUser
from surgewire._core.reins cimport Reins


cdef class AwkwardEchoUser(EchoUser):
    """An awkward user of an echo run.

    manners: how it misbehaves, see `reins`; the other arguments are those of `EchoUser`. Raises
    ValueError where the traffic keeps no account apart.
    """

    cdef Reins reins

    def __init__(
        self, buffer, owner, handshake, EchoTraffic traffic not None, user, *, manners, **options
    ):
        if traffic.ledger.rows < 2:
            raise ValueError("the ledger has no row for awkward users")
        EchoUser.__init__(self, buffer, owner, handshake, traffic, user, **options)
        self.apart = True
        self.manners = manners
        self.reins = Reins(manners)

    def connection_made(self, transport) -> None:
        """Let the manners see to the transport before anything is sent."""
        self.transport = transport
        self.reins.user = self
        self.manners.made(self.reins)
        EchoUser.connection_made(self, transport)

    def get_buffer(self, sizehint):
        """Lend the loop as much of the receive buffer as may be read."""
        return self.reins.lend(EchoUser.get_buffer(self, sizehint))

    def buffer_updated(self, Py_ssize_t nbytes) -> None:
        """Handle `nbytes` bytes that the loop has read."""
        EchoUser.buffer_updated(self, nbytes)
        self.reins.took(<size_t>nbytes)

    cdef void take_over_reading(self) noexcept:
        if not self.reins.own_reading:
            EchoUser.take_over_reading(self)

    cdef int write(self, const uint8_t* data, size_t length) noexcept:
        cdef const uint8_t* out = data
        if self.phase == CONNECTION_OPEN:
            out = self.reins.cut(data, &length)
        return EchoUser.write(self, out, length)

    cdef void on_open(self) noexcept:
        EchoUser.on_open(self)
        self.reins.opened()

    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept:
        self.reins.pongs += 1

    cdef void begin_close(self, object kind) noexcept:
        self.reins.closing()
        EchoUser.begin_close(self, kind)

    cdef void release(self) noexcept:
        self.reins.release()
        EchoUser.release(self)


cdef class AwkwardChatUser(ChatUser):
    """An awkward member of a room.

    manners: how it misbehaves, see `reins`; the other arguments are those of `ChatUser`. Raises
    ValueError where the traffic keeps no account apart.
    """

    cdef Reins reins

    def __init__(
        self, buffer, owner, handshake, ChatTraffic traffic not None, *, manners, **options
    ):
        if traffic.rooms.rows == traffic.rooms.rooms:
            raise ValueError("the rooms have no rows for awkward users")
        ChatUser.__init__(self, buffer, owner, handshake, traffic, **options)
        self.member.row = traffic.rooms.rooms + self.member.room
        self.apart = True
        self.manners = manners
        self.reins = Reins(manners)

    def connection_made(self, transport) -> None:
        """Let the manners see to the transport before anything is sent."""
        self.transport = transport
        self.reins.user = self
        self.manners.made(self.reins)
        ChatUser.connection_made(self, transport)

    def get_buffer(self, sizehint):
        """Lend the loop as much of the receive buffer as may be read."""
        return self.reins.lend(ChatUser.get_buffer(self, sizehint))

    def buffer_updated(self, Py_ssize_t nbytes) -> None:
        """Handle `nbytes` bytes that the loop has read."""
        ChatUser.buffer_updated(self, nbytes)
        self.reins.took(<size_t>nbytes)

    cdef void take_over_reading(self) noexcept:
        if not self.reins.own_reading:
            ChatUser.take_over_reading(self)

    cdef int write(self, const uint8_t* data, size_t length) noexcept:
        cdef const uint8_t* out = data
        if self.phase == CONNECTION_OPEN:
            out = self.reins.cut(data, &length)
        return ChatUser.write(self, out, length)

    cdef void on_open(self) noexcept:
        ChatUser.on_open(self)
        self.reins.opened()

    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept:
        self.reins.pongs += 1

    cdef void begin_close(self, object kind) noexcept:
        self.reins.closing()
        ChatUser.begin_close(self, kind)

    cdef void release(self) noexcept:
        self.reins.release()
        ChatUser.release(self)


cdef class AwkwardConnectUser(ConnectUser):
    """An awkward user of a run that only connects.

    manners: how it misbehaves, see `reins`; the other arguments are those of `ConnectUser`.
    """

    cdef Reins reins

    def __init__(
        self, buffer, owner, handshake, ConnectTraffic traffic not None, *, manners, **options
    ):
        ConnectUser.__init__(self, buffer, owner, handshake, traffic, **options)
        self.apart = True
        self.manners = manners
        self.reins = Reins(manners)

    def connection_made(self, transport) -> None:
        """Let the manners see to the transport before anything is sent."""
        self.transport = transport
        self.reins.user = self
        self.manners.made(self.reins)
        ConnectUser.connection_made(self, transport)

    def get_buffer(self, sizehint):
        """Lend the loop as much of the receive buffer as may be read."""
        return self.reins.lend(ConnectUser.get_buffer(self, sizehint))

    def buffer_updated(self, Py_ssize_t nbytes) -> None:
        """Handle `nbytes` bytes that the loop has read."""
        ConnectUser.buffer_updated(self, nbytes)
        self.reins.took(<size_t>nbytes)

    cdef void take_over_reading(self) noexcept:
        if not self.reins.own_reading:
            ConnectUser.take_over_reading(self)

    cdef int write(self, const uint8_t* data, size_t length) noexcept:
        cdef const uint8_t* out = data
        if self.phase == CONNECTION_OPEN:
            out = self.reins.cut(data, &length)
        return ConnectUser.write(self, out, length)

    cdef void on_open(self) noexcept:
        ConnectUser.on_open(self)
        self.reins.opened()

    cdef void on_pong(self, const uint8_t* payload, size_t length) noexcept:
        self.reins.pongs += 1

    cdef void begin_close(self, object kind) noexcept:
        self.reins.closing()
        ConnectUser.begin_close(self, kind)

    cdef void release(self) noexcept:
        self.reins.release()
        ConnectUser.release(self)
