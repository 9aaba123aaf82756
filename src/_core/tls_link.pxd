from libc.stdint cimport uint8_t

from surgewire._core.openssl cimport SSL
from surgewire._core.tls_context cimport TlsContext

# How far a link has come.
cdef enum:
    TLS_SHAKING = 0
    TLS_SECURE = 1
    TLS_ENDED = 2               # the peer has said that nothing more comes
    TLS_BROKEN = 3              # `kind` says why


cdef class TlsLink:
    cdef TlsContext context
    cdef SSL* ssl
    cdef readonly int state
    cdef readonly object kind   # name in the taxonomy of what broke the link; else None

    # Whatever these leave in the context's `wire` is to be sent at once.
    cdef void advance(self) noexcept
    # Takes what came from the peer; returns how many bytes of plain text lie in `plain`, for which
    # there must be room for `length` + TLS_PLAIN_SLACK.
    cdef size_t take_in(
        self, const uint8_t* data, size_t length, uint8_t* plain, size_t room
    ) noexcept
    cdef int put(self, const uint8_t* data, size_t length) noexcept
    # Tells the peer that nothing more comes.
    cdef void finish(self) noexcept
    cdef void give_up(self, int result) noexcept
