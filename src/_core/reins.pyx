"""What an awkward user is held by: how fast it reads, how it cuts what it sends, what it floods.

Here is what can be done to a connection; what is done and when decides its `manners`, an object of
Python with these methods:

- `made(reins)`: the transport is there, nothing has been sent; `reins` are this object;
- `opened()`: the upgrade is complete;
- `closing()`: one of the two sides has begun to close;
- `gone()`: the transport is closed; the last call.
"""

from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport SIZE_MAX, uint8_t, uint32_t
from libc.stdlib cimport free, realloc

from cython cimport final

from surgewire._core.connection cimport CONNECTION_OPEN
from surgewire._core.fragments cimport fragments_size, fragments_write
from surgewire._core.frame cimport FRAME_PING

cdef enum:
    # A peer that does not read must not make us hold pings in memory.
    MAX_UNSENT_FOR_PING = 65536


@final
cdef class Reins:
    """Holds one connection. manners: decides; see the module."""

    def __cinit__(self, manners not None):
        self.manners = manners
        self.quota = SIZE_MAX

    def __dealloc__(self):
        free(self.scratch)

    @property
    def socket(self):
        """The socket behind the transport; None once it is gone."""
        if self.user is None or self.user.transport is None:
            return None
        return self.user.transport.get_extra_info("socket")

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self.user is not None and self.user.phase == CONNECTION_OPEN

    # Reading.

    def pace_reading(self) -> None:
        """Let nobody read but as `read_on` and `hold_reading` say, from the upgrade on."""
        self.own_reading = True

    def hold_reading(self) -> None:
        """Read nothing until told to."""
        self.own_reading = True
        self.quota = 0
        if self._reachable():
            if self.user.poller is not None:
                self.user.poller.remove(self.user)
            self.user.transport.pause_reading()

    def read_on(self, size_t most_bytes = SIZE_MAX) -> None:
        """Read on, and stop again after this many bytes."""
        self.quota = most_bytes
        if most_bytes and self._reachable():
            self.user.transport.resume_reading()

    cdef object lend(self, object view):
        # A loop takes an empty buffer for an error; what comes while reading stops is one byte.
        return view if self.quota >= <size_t>len(view) else view[:max(<size_t>1, self.quota)]

    cdef int took(self, size_t length) except -1:
        if self.quota != SIZE_MAX:
            self.quota -= min(self.quota, length)
            if self.quota == 0 and self._reachable():
                self.user.transport.pause_reading()
        return 0

    cdef bint _reachable(self) except -1:
        return (
            self.user is not None
            and self.user.transport is not None
            and not self.user.transport.is_closing()
        )

    # Sending.

    def fragment(self, size_t most_bytes) -> None:
        """Cut messages into fragments of so many bytes of payload from now on."""
        self.most = most_bytes

    def send_raw(self, bytes data not None) -> None:
        """Send bytes as they are."""
        if self.user is not None and self.user.transport is not None:
            self.user.write(<const uint8_t*>PyBytes_AS_STRING(data), len(data))

    def ping(self, uint32_t count) -> None:
        """Send so many pings, as far as the peer reads them."""
        cdef uint32_t payload
        cdef uint32_t _i
        for _i in range(count):
            if not self.is_open or self.user.unsent_bytes() > MAX_UNSENT_FOR_PING:
                return
            payload = <uint32_t>self.pings
            if self.user.send_frame(FRAME_PING, <const uint8_t*>&payload, sizeof(payload)) < 0:
                return
            self.pings += 1

    cdef const uint8_t* cut(self, const uint8_t* frames, size_t* length) noexcept:
        cdef size_t needed
        cdef uint8_t* grown
        if self.most == 0:
            return frames
        needed = fragments_size(frames, length[0], self.most)
        if needed > self.scratch_bytes:
            grown = <uint8_t*>realloc(self.scratch, needed)
            if grown == NULL:
                return frames
            self.scratch, self.scratch_bytes = grown, needed
        if needed == 0:
            return frames
        length[0] = fragments_write(self.scratch, frames, length[0], self.most)
        return self.scratch

    # The end.

    def retire(self) -> None:
        """Send no more messages of the schedule."""
        if self.user is not None:
            (<object>self.user).retire()

    def reset(self) -> None:
        """End the connection by a TCP reset."""
        if self.user is not None:
            (<object>self.user).reset()

    cdef void opened(self) noexcept:
        self.manners.opened()

    cdef void closing(self) noexcept:
        if self.user is not None:
            self.manners.closing()

    cdef void release(self) noexcept:
        if self.user is not None:
            manners, self.manners, self.user = self.manners, None, None
            manners.gone()
