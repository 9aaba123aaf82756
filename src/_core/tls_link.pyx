"""TLS of one connection, for the client's side, by OpenSSL: bytes in, bytes out, no socket.

A message over TLS costs no Python object, as without.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from surgewire._core.openssl cimport (
    ERR_GET_REASON,
    SSL_ERROR_WANT_READ,
    SSL_ERROR_ZERO_RETURN,
    SSL_R_CERTIFICATE_VERIFY_FAILED,
    SSL_RECEIVED_SHUTDOWN,
    SSL_SENT_SHUTDOWN,
    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
    X509_V_ERR_CERT_HAS_EXPIRED,
    X509_V_ERR_CERT_NOT_YET_VALID,
    X509_V_ERR_CERT_REVOKED,
    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,
    X509_V_ERR_HOSTNAME_MISMATCH,
    X509_V_ERR_IP_ADDRESS_MISMATCH,
    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
    X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
    X509_VERIFY_PARAM,
    BIO_up_ref,
    ERR_clear_error,
    ERR_peek_error,
    SSL_CIPHER_get_name,
    SSL_do_handshake,
    SSL_free,
    SSL_get0_alpn_selected,
    SSL_get0_param,
    SSL_get_current_cipher,
    SSL_get_error,
    SSL_get_verify_result,
    SSL_get_version,
    SSL_has_pending,
    SSL_new,
    SSL_read,
    SSL_session_reused,
    SSL_set0_rbio,
    SSL_set0_wbio,
    SSL_set_connect_state,
    SSL_set_session,
    SSL_set_shutdown,
    SSL_set_tlsext_host_name,
    SSL_shutdown,
    SSL_write,
    X509_VERIFY_PARAM_set1_host,
    X509_VERIFY_PARAM_set1_ip_asc,
    X509_VERIFY_PARAM_set_hostflags,
)
from surgewire._core.tls_context cimport (
    TLS_INLET_BYTES,
    TLS_PLAIN_SLACK,
    TlsContext,
    openssl_reason,
    tls_wire_t,
)

import re

cdef enum:
    MAX_REASON = 40
    MAX_INT = 0x7FFFFFFF

_NO_NAME_CHARACTERS = re.compile(r"[^a-z0-9]+")
_CERTIFICATE = {
    X509_V_ERR_CERT_HAS_EXPIRED: "tls_certificate_expired",
    X509_V_ERR_CERT_NOT_YET_VALID: "tls_certificate_not_yet_valid",
    X509_V_ERR_CERT_REVOKED: "tls_certificate_revoked",
    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: "tls_certificate_self_signed",
    X509_V_ERR_HOSTNAME_MISMATCH: "tls_certificate_wrong_name",
    X509_V_ERR_IP_ADDRESS_MISMATCH: "tls_certificate_wrong_name",
    X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: "tls_certificate_unknown_ca",
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT: "tls_certificate_unknown_ca",
    X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls_certificate_unknown_ca",
    X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls_certificate_unknown_ca",
}


cdef class TlsLink:
    """The TLS of a new connection.

    name: what the certificate must be for; unless it is an `address`, the server is asked for by
    it, too (SNI, RFC 6066 section 3). resume: use the context's latest session, if there is one.
    Raises ValueError for a name that is none.
    """

    def __cinit__(
        self,
        TlsContext context not None,
        str name not None,
        *,
        bint address = False,
        bint resume = False,
    ):
        cdef X509_VERIFY_PARAM* checks
        cdef bytes wanted = name.encode("ascii")
        ERR_clear_error()
        self.context = context
        self.ssl = SSL_new(context.context)
        if self.ssl == NULL:
            raise MemoryError()
        BIO_up_ref(context.bio)
        SSL_set0_rbio(self.ssl, context.bio)
        BIO_up_ref(context.bio)
        SSL_set0_wbio(self.ssl, context.bio)
        SSL_set_connect_state(self.ssl)
        checks = SSL_get0_param(self.ssl)
        if address:
            if context.verify and X509_VERIFY_PARAM_set1_ip_asc(checks, wanted) != 1:
                raise ValueError(f"{name!r} is no IP address")
        else:
            X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
            if context.verify and X509_VERIFY_PARAM_set1_host(checks, wanted, len(wanted)) != 1:
                raise ValueError(f"{name!r} is no host name")
            if SSL_set_tlsext_host_name(self.ssl, wanted) != 1:
                raise ValueError(f"{name!r} is no host name")
        if resume and context.sessions.latest != NULL:
            SSL_set_session(self.ssl, context.sessions.latest)

    def __dealloc__(self):
        if self.ssl != NULL:
            if self.state != TLS_BROKEN:
                # Or OpenSSL would take its session for broken, which others may resume.
                SSL_set_shutdown(self.ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
            SSL_free(self.ssl)

    cdef void advance(self) noexcept:
        cdef int result
        ERR_clear_error()
        result = SSL_do_handshake(self.ssl)
        if result == 1:
            self.state = TLS_SECURE
        else:
            self.give_up(result)

    cdef size_t take_in(
        self, const uint8_t* data, size_t length, uint8_t* plain, size_t room
    ) noexcept:
        cdef tls_wire_t* wire = &self.context.wire
        cdef size_t have = 0
        cdef int result
        wire.incoming = data
        wire.left = length
        if self.state == TLS_SHAKING:
            self.advance()
        if self.state == TLS_SECURE:
            ERR_clear_error()
            while wire.left > 0 or SSL_has_pending(self.ssl):
                result = SSL_read(self.ssl, plain + have, <int>(room - have))
                if result <= 0:
                    self.give_up(result)
                    break
                have += <size_t>result
        # What comes behind an end or a fault is nobody's.
        wire.left = 0
        return have

    cdef int put(self, const uint8_t* data, size_t length) noexcept:
        cdef int result
        if self.state != TLS_SECURE or length > MAX_INT:
            return -1
        ERR_clear_error()
        result = SSL_write(self.ssl, data, <int>length)
        if result == <int>length:
            return 0
        self.give_up(result)
        return -1

    cdef void finish(self) noexcept:
        if self.state == TLS_SECURE or self.state == TLS_ENDED:
            ERR_clear_error()
            SSL_shutdown(self.ssl)
            ERR_clear_error()

    cdef void give_up(self, int result) noexcept:
        """See what a call that did not succeed says; wanting to read more says nothing."""
        cdef int error = SSL_get_error(self.ssl, result)
        if error == SSL_ERROR_WANT_READ:
            return
        if error == SSL_ERROR_ZERO_RETURN:
            self.state = TLS_ENDED
            return
        self.state = TLS_BROKEN
        if ERR_GET_REASON(ERR_peek_error()) == SSL_R_CERTIFICATE_VERIFY_FAILED:
            ERR_clear_error()
            self.kind = _CERTIFICATE.get(SSL_get_verify_result(self.ssl), "tls_certificate")
        else:
            reason = _NO_NAME_CHARACTERS.sub("_", openssl_reason().lower()).strip("_")
            self.kind = f"tls_{reason[:MAX_REASON] or 'error'}"

    # What was agreed on.

    @property
    def resumed(self) -> bool:
        """Whether an earlier session was resumed."""
        return SSL_session_reused(self.ssl) == 1

    @property
    def version(self) -> str:
        """The TLS version, as OpenSSL writes it."""
        return SSL_get_version(self.ssl).decode("ascii")

    @property
    def cipher(self) -> str:
        """The cipher suite, as OpenSSL writes it; empty before there is one."""
        cdef const char* name = SSL_CIPHER_get_name(SSL_get_current_cipher(self.ssl))
        return "" if self.state == TLS_SHAKING else name.decode("ascii")

    @property
    def alpn(self) -> str | None:
        """The protocol that the server has chosen by ALPN, None where it chose none."""
        cdef const unsigned char* name = NULL
        cdef unsigned int length = 0
        SSL_get0_alpn_selected(self.ssl, &name, &length)
        if length == 0:
            return None
        return PyBytes_FromStringAndSize(<const char*>name, length).decode("ascii", "replace")

    # Skins of the native methods, which reach what lies in the wire, too.

    @property
    def is_secure(self) -> bool:
        """Whether the handshake is complete and the link whole."""
        return self.state == TLS_SECURE

    def start(self) -> bytes:
        """Begin the handshake; returns what is to be sent."""
        self.advance()
        return self._taken_out()

    def receive(self, const uint8_t[::1] data not None) -> tuple[bytes, bytes]:
        """Take what came, at most INLET_BYTES; returns plain text and what is to be sent."""
        cdef const uint8_t* first = NULL
        cdef uint8_t[::1] plain
        if data.shape[0] > TLS_INLET_BYTES:
            raise ValueError(f"at most {TLS_INLET_BYTES} bytes come in one go")
        memory = bytearray(TLS_INLET_BYTES + TLS_PLAIN_SLACK)
        plain = memory
        if data.shape[0] > 0:
            first = &data[0]
        length = self.take_in(first, data.shape[0], &plain[0], plain.shape[0])
        return bytes(memory[:length]), self._taken_out()

    def send(self, const uint8_t[::1] data not None) -> bytes:
        """Encrypt; returns what is to be sent. Raises ValueError where the link is not secure."""
        if data.shape[0] == 0:
            return b""
        if self.put(&data[0], data.shape[0]) != 0:
            raise ValueError("the link is not secure")
        return self._taken_out()

    def end(self) -> bytes:
        """Say that nothing more comes; returns what is to be sent."""
        self.finish()
        return self._taken_out()

    def _taken_out(self) -> bytes:
        cdef tls_wire_t* wire = &self.context.wire
        out = PyBytes_FromStringAndSize(<const char*>wire.outgoing, wire.length)
        wire.length = 0
        return out
