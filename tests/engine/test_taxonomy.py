import errno
import socket

import pytest

from surgewire.engine.kinds import KindTable
from surgewire.engine.shared import SharedRegion
from surgewire.engine.taxonomy import (
    AttemptError,
    connect_error_kind,
    proxy_error_kind,
    unix_error_kind,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "tcp_refused"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "tcp_reset"),
        (ConnectionAbortedError(errno.ECONNABORTED, "aborted"), "tcp_reset"),
        (BrokenPipeError(errno.EPIPE, "pipe"), "tcp_reset"),
        (ConnectionError("no number"), "tcp_reset"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "tcp_timeout"),
        (OSError(errno.EHOSTUNREACH, "no route"), "tcp_unreachable"),
        (OSError(errno.ENETUNREACH, "no network"), "tcp_unreachable"),
        (OSError(errno.EMFILE, "too many files"), "local_fd_limit"),
        (OSError(errno.ENFILE, "too many files"), "local_fd_limit"),
        (OSError(errno.EADDRNOTAVAIL, "no address"), "local_ports_exhausted"),
        (OSError(errno.EADDRINUSE, "in use"), "local_ports_exhausted"),
        (OSError(errno.ENOBUFS, "no buffers"), "local_memory"),
        (OSError(errno.EACCES, "not allowed"), "tcp_other"),
        (OSError("no number"), "tcp_other"),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "dns"),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "dns"),
    ],
)
def test_errors_of_connecting(error: OSError, kind: str) -> None:
    assert connect_error_kind(error) == kind
    table: KindTable = SharedRegion(1).slice(0).errors
    table.add(kind)
    assert table.counts() == {kind: 1}


def test_a_reason_may_be_named_where_it_is_known() -> None:
    assert connect_error_kind(AttemptError("proxy_auth")) == "proxy_auth"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "proxy_refused"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "proxy_reset"),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), "proxy_timeout"),
        (OSError(errno.ENETUNREACH, "no network"), "proxy_unreachable"),
        (OSError("no number"), "proxy_other"),
        (socket.gaierror(socket.EAI_NONAME, "no such name"), "proxy_dns"),
        # What we lack is not the proxy's fault.
        (OSError(errno.EMFILE, "too many files"), "local_fd_limit"),
    ],
)
def test_errors_on_the_way_to_a_proxy(error: OSError, kind: str) -> None:
    assert proxy_error_kind(error) == kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOENT, "unix_missing"),
        (errno.EACCES, "unix_forbidden"),
        (errno.ECONNREFUSED, "unix_refused"),
        (errno.EAGAIN, "unix_backlog_full"),
        (errno.EMFILE, "local_fd_limit"),
    ],
)
def test_errors_of_unix_sockets(code: int, kind: str) -> None:
    assert unix_error_kind(OSError(code, "text")) == kind
