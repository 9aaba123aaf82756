"""From exceptions to the stable names under which failures are counted."""

import errno
import socket

INTERRUPTED = "interrupted"
REDIRECT_INSECURE = "redirect_insecure"
REDIRECT_INVALID = "redirect_invalid"
REDIRECT_LIMIT = "redirect_limit"
TIMEOUT_CONNECT = "timeout_connect"
TIMEOUT_DNS = "timeout_dns"
TIMEOUT_JOIN = "timeout_join"
TIMEOUT_MESSAGE = "timeout_message"
TIMEOUT_PROXY = "timeout_proxy"
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
# How connecting to a Unix socket fails (unix(7)).
_UNIX_BY_ERRNO = {
    errno.ENOENT: "unix_missing",
    errno.EACCES: "unix_forbidden",
    errno.EPERM: "unix_forbidden",
    errno.ECONNREFUSED: "unix_refused",
    errno.EPROTOTYPE: "unix_refused",
    errno.ENOTSOCK: "unix_refused",
    errno.EAGAIN: "unix_backlog_full",
}
# How a proxy is not reached, by what the same is called of a target.
_OF_PROXY = {
    "dns": "proxy_dns",
    "tcp_refused": "proxy_refused",
    "tcp_reset": "proxy_reset",
    "tcp_timeout": "proxy_timeout",
    "tcp_unreachable": "proxy_unreachable",
    "tcp_other": "proxy_other",
}


class AttemptError(Exception):
    """An attempt came to nothing; `kind` is the name of the reason."""

    def __init__(self, kind: str) -> None:
        """Take the reason."""
        super().__init__(kind)
        self.kind = kind


def proxy_error_kind(error: OSError) -> str:
    """Return the kind of an exception on the way to a proxy, or of one that broke off."""
    kind = connect_error_kind(error)
    return _OF_PROXY.get(kind, kind)


def unix_error_kind(error: OSError) -> str:
    """Return the kind of an exception of connecting to a Unix socket."""
    return _UNIX_BY_ERRNO.get(error.errno or 0) or connect_error_kind(error)


def connect_error_kind(error: BaseException) -> str:
    """Return the kind of an exception of connecting."""
    if isinstance(error, AttemptError):
        return error.kind
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, OSError):
        kind = _BY_ERRNO.get(error.errno or 0)
        if kind is None and isinstance(error, ConnectionError):
            kind = "tcp_reset"
        return kind or "tcp_other"
    return "tcp_other"
