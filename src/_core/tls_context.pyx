"""What the TLS connections of one worker share, by OpenSSL.

OpenSSL reads and writes memory, so that reading and sending stay those of plain connections (see
`stream`). That memory, too, is one for all: it is empty between two calls.
"""

from libc.stdint cimport uint8_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from surgewire._core.openssl cimport (
    BIO,
    BIO_CTRL_FLUSH,
    BIO_TYPE_SOURCE_SINK,
    SSL,
    SSL_FILETYPE_PEM,
    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
    SSL_MODE_RELEASE_BUFFERS,
    SSL_OP_NO_RENEGOTIATION,
    SSL_SESS_CACHE_CLIENT,
    SSL_SESS_CACHE_NO_INTERNAL,
    SSL_SESS_CACHE_OFF,
    SSL_SESSION,
    SSL_VERIFY_NONE,
    SSL_VERIFY_PEER,
    BIO_clear_retry_flags,
    BIO_free,
    BIO_get_data,
    BIO_get_new_index,
    BIO_meth_free,
    BIO_meth_new,
    BIO_meth_set_ctrl,
    BIO_meth_set_read,
    BIO_meth_set_write,
    BIO_new,
    BIO_set_data,
    BIO_set_init,
    BIO_set_retry_read,
    ERR_clear_error,
    ERR_peek_error,
    ERR_reason_error_string,
    SSL_CTX_free,
    SSL_CTX_get_app_data,
    SSL_CTX_load_verify_locations,
    SSL_CTX_new,
    SSL_CTX_sess_set_new_cb,
    SSL_CTX_set_alpn_protos,
    SSL_CTX_set_app_data,
    SSL_CTX_set_cipher_list,
    SSL_CTX_set_ciphersuites,
    SSL_CTX_set_default_passwd_cb,
    SSL_CTX_set_default_passwd_cb_userdata,
    SSL_CTX_set_default_verify_paths,
    SSL_CTX_set_max_proto_version,
    SSL_CTX_set_min_proto_version,
    SSL_CTX_set_mode,
    SSL_CTX_set_options,
    SSL_CTX_set_session_cache_mode,
    SSL_CTX_set_verify,
    SSL_CTX_use_certificate_chain_file,
    SSL_CTX_use_PrivateKey_file,
    SSL_get_SSL_CTX,
    SSL_SESSION_free,
    TLS_client_method,
)

cdef enum:
    # The largest record, with its header and what encryption adds (RFC 8446 section 5.2).
    TLS_RECORD_BYTES = 16384 + 5 + 256

INLET_BYTES = TLS_INLET_BYTES
"""What is read from a socket in one go, at most."""


class TlsSetupError(ValueError):
    """A context cannot be made; `what` is the argument that OpenSSL does not take."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what
        self.reason = reason


# Between OpenSSL and the socket.

cdef int _wire_read(BIO* bio, char* out, int room) noexcept nogil:
    cdef tls_wire_t* wire = <tls_wire_t*>BIO_get_data(bio)
    cdef size_t length
    BIO_clear_retry_flags(bio)
    if wire.left == 0:
        BIO_set_retry_read(bio)
        return -1
    length = min(<size_t>room, wire.left)
    memcpy(out, wire.incoming, length)
    wire.incoming += length
    wire.left -= length
    return <int>length


cdef int _wire_write(BIO* bio, const char* data, int length) noexcept nogil:
    cdef tls_wire_t* wire = <tls_wire_t*>BIO_get_data(bio)
    cdef size_t room = wire.room
    cdef void* grown
    BIO_clear_retry_flags(bio)
    while room - wire.length < <size_t>length:
        room *= 2
    if room != wire.room:
        grown = realloc(wire.outgoing, room)
        if grown == NULL:
            return -1
        wire.outgoing = <uint8_t*>grown
        wire.room = room
    memcpy(wire.outgoing + wire.length, data, <size_t>length)
    wire.length += <size_t>length
    return length


cdef long _wire_control(BIO* bio, int command, long number, void* data) noexcept nogil:
    return 1 if command == BIO_CTRL_FLUSH else 0


cdef int _on_session(SSL* ssl, SSL_SESSION* session) noexcept nogil:
    cdef tls_sessions_t* sessions = <tls_sessions_t*>SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl))
    if sessions.latest != NULL:
        SSL_SESSION_free(sessions.latest)
    sessions.latest = session
    return 1  # the reference is ours now


cdef int _on_password(char* out, int room, int for_writing, void* data) noexcept nogil:
    cdef const char* password = <const char*>data
    cdef int length = 0
    if password == NULL:
        return -1
    while password[length] != 0 and length < room:
        out[length] = password[length]
        length += 1
    return length


cdef object openssl_reason():
    """Return OpenSSL's word for what went wrong first, and forget it."""
    cdef unsigned long code = ERR_peek_error()
    cdef const char* text = ERR_reason_error_string(code)
    reason = "" if text == NULL else (<bytes>text).decode("ascii", "replace")
    ERR_clear_error()
    return reason


cdef class TlsContext:
    """What the TLS connections of one worker share.

    verify: check the server's certificate, against the file `ca` or, without one, the system's
    authorities. cert, key: files in PEM of the client's certificate chain and its key; password:
    what the key is encrypted with. least, most: TLS versions as on the wire (0x0303 is 1.2);
    0 for no bound. ciphers, suites: as OpenSSL writes them, for TLS up to 1.2 and from 1.3 on.
    alpn: protocols to offer. keep_sessions: remember the latest session, for links that resume.

    Raises TlsSetupError for what OpenSSL does not take.
    """

    def __cinit__(
        self,
        *,
        bint verify = True,
        str ca = None,
        str cert = None,
        str key = None,
        bytes password = None,
        int least = 0,
        int most = 0,
        str ciphers = None,
        str suites = None,
        alpn = (),
        bint keep_sessions = False,
    ):
        cdef bytes protocols = b"".join([bytes([len(name)]) + name for name in alpn])
        ERR_clear_error()
        self.verify = verify
        self.make_wire()
        self.context = SSL_CTX_new(TLS_client_method())
        if self.context == NULL:
            raise TlsSetupError("context", openssl_reason())
        SSL_CTX_set_mode(
            self.context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
        )
        SSL_CTX_set_options(self.context, SSL_OP_NO_RENEGOTIATION)
        if SSL_CTX_set_min_proto_version(self.context, least) != 1:
            raise TlsSetupError("least", openssl_reason())
        if SSL_CTX_set_max_proto_version(self.context, most) != 1:
            raise TlsSetupError("most", openssl_reason())
        if ciphers is not None and SSL_CTX_set_cipher_list(self.context, ciphers.encode()) != 1:
            raise TlsSetupError("ciphers", openssl_reason())
        if suites is not None and SSL_CTX_set_ciphersuites(self.context, suites.encode()) != 1:
            raise TlsSetupError("suites", openssl_reason())
        if protocols and SSL_CTX_set_alpn_protos(self.context, protocols, len(protocols)) != 0:
            raise TlsSetupError("alpn", openssl_reason())
        self.take_files(ca, cert, key, password)
        SSL_CTX_set_app_data(self.context, &self.sessions)
        if keep_sessions:
            SSL_CTX_set_session_cache_mode(
                self.context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL
            )
            SSL_CTX_sess_set_new_cb(self.context, _on_session)
        else:
            SSL_CTX_set_session_cache_mode(self.context, SSL_SESS_CACHE_OFF)

    cdef int make_wire(self) except -1:
        cdef uint8_t[::1] view
        self.memory = bytearray(TLS_INLET_BYTES)
        view = self.memory
        self.view = memoryview(self.memory)
        self.data = &view[0]
        self.size = TLS_INLET_BYTES
        self.wire.outgoing = <uint8_t*>realloc(NULL, TLS_RECORD_BYTES)
        self.wire.room = TLS_RECORD_BYTES
        self.method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, b"memory")
        if self.method == NULL or self.wire.outgoing == NULL:
            raise MemoryError()
        BIO_meth_set_read(self.method, _wire_read)
        BIO_meth_set_write(self.method, _wire_write)
        BIO_meth_set_ctrl(self.method, _wire_control)
        self.bio = BIO_new(self.method)
        if self.bio == NULL:
            raise MemoryError()
        BIO_set_data(self.bio, &self.wire)
        BIO_set_init(self.bio, 1)
        return 0

    cdef int take_files(self, ca, cert, key, password) except -1:
        cdef bytes secret = (password or b"") + b"\0"
        SSL_CTX_set_verify(self.context, SSL_VERIFY_PEER if self.verify else SSL_VERIFY_NONE, NULL)
        if ca is not None:
            if SSL_CTX_load_verify_locations(self.context, ca.encode(), NULL) != 1:
                raise TlsSetupError("ca", openssl_reason())
        elif self.verify and SSL_CTX_set_default_verify_paths(self.context) != 1:
            raise TlsSetupError("ca", openssl_reason())
        if cert is None:
            return 0
        # Without a password nobody is asked at the terminal for one.
        SSL_CTX_set_default_passwd_cb(self.context, _on_password)
        if password is not None:
            SSL_CTX_set_default_passwd_cb_userdata(self.context, <char*>secret)
        if SSL_CTX_use_certificate_chain_file(self.context, cert.encode()) != 1:
            raise TlsSetupError("cert", openssl_reason())
        if SSL_CTX_use_PrivateKey_file(self.context, key.encode(), SSL_FILETYPE_PEM) != 1:
            raise TlsSetupError("key", openssl_reason())
        SSL_CTX_set_default_passwd_cb_userdata(self.context, NULL)
        return 0

    def __dealloc__(self):
        if self.sessions.latest != NULL:
            SSL_SESSION_free(self.sessions.latest)
        if self.context != NULL:
            SSL_CTX_free(self.context)
        if self.bio != NULL:
            BIO_free(self.bio)
        if self.method != NULL:
            BIO_meth_free(self.method)
        free(self.wire.outgoing)

    @property
    def has_session(self) -> bool:
        """Whether a session is there to be resumed."""
        return self.sessions.latest != NULL
