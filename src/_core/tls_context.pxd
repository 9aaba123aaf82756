from libc.stdint cimport uint8_t

from surgewire._core.openssl cimport BIO, BIO_METHOD, SSL_CTX, SSL_SESSION

cdef enum:
    # Plain text may be longer than what came in one go by what was held of a record begun before.
    TLS_PLAIN_SLACK = 2 * 16645
    # What is read from a socket in one go; its plain text has room in a loop's receive buffer.
    TLS_INLET_BYTES = 262144 - TLS_PLAIN_SLACK

# What lies between OpenSSL and the socket, one for all links of a context: it is empty between
# two calls, because OpenSSL takes in all that has come and all that it writes leaves at once.
cdef struct tls_wire_t:
    const uint8_t* incoming
    size_t left
    uint8_t* outgoing
    size_t length
    size_t room

cdef struct tls_sessions_t:
    SSL_SESSION* latest

cdef class TlsContext:
    cdef SSL_CTX* context
    cdef BIO_METHOD* method
    cdef BIO* bio
    cdef tls_wire_t wire
    cdef tls_sessions_t sessions
    cdef object memory          # where the socket's bytes are read to
    cdef object view
    cdef uint8_t* data
    cdef size_t size
    cdef bint verify

    cdef int make_wire(self) except -1
    cdef int take_files(self, ca, cert, key, password) except -1

# OpenSSL's word for what went wrong first, which it then forgets.
cdef object openssl_reason()
