"""From exceptions to the stable names under which failures are counted."""

import errno
import re
import socket
import ssl

INTERRUPTED = "interrupted"
REDIRECT_INSECURE = "redirect_insecure"
REDIRECT_INVALID = "redirect_invalid"
REDIRECT_LIMIT = "redirect_limit"
TIMEOUT_CONNECT = "timeout_connect"
TIMEOUT_JOIN = "timeout_join"
TIMEOUT_TLS = "timeout_tls"
TIMEOUT_UPGRADE = "timeout_upgrade"

_BY_ERRNO = {
    errno.ECONNREFUSED: "tcp_refused",
    errno.ETIMEDOUT: "tcp_timeout",
    errno.ECONNRESET: "tcp_reset",
    errno.ECONNABORTED: "tcp_reset",
    errno.EPIPE: "tcp_reset",
    errno.EHOSTUNREACH: "tcp_unreachable",
    errno.ENETUNREACH: "tcp_unreachable",
    errno.EMFILE: "local_fd_limit",
    errno.ENFILE: "local_fd_limit",
    errno.EADDRNOTAVAIL: "local_ports_exhausted",
    errno.EADDRINUSE: "local_ports_exhausted",
    errno.ENOBUFS: "local_memory",
    errno.ENOMEM: "local_memory",
}
_NO_NAME_CHARACTERS = re.compile(r"[^a-z0-9]+")
_MAX_REASON_LENGTH = 40


def connect_error_kind(error: BaseException, *, tls: bool) -> str:
    """Return the kind of an exception of `create_connection` or `start_tls`.

    tls: whether TCP was established and TLS was under way.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls_certificate"
    if isinstance(error, ssl.SSLError):
        return f"tls_{_tls_reason(error)}"
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, OSError):
        if tls and error.errno is None:
            # How event loops tell that the stream ended within the handshake.
            return "tls_eof"
        kind = _BY_ERRNO.get(error.errno or 0)
        if kind is None and isinstance(error, ConnectionError):
            kind = "tcp_reset"
        return kind or "tcp_other"
    return "tcp_other"


def _tls_reason(error: ssl.SSLError) -> str:
    reason = _NO_NAME_CHARACTERS.sub("_", (error.reason or "error").lower()).strip("_")
    return reason[:_MAX_REASON_LENGTH] or "error"
