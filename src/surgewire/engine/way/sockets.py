"""Sockets made by us, where the loop's own would not do: bound to an address, with options."""

import errno
import socket
import sys

from surgewire.plan.way.sockets import SocketPart

# linux/in.h; Python has a name for it from 3.14 on.
_IP_BIND_ADDRESS_NO_PORT = 24
_NS_PER_S = 1_000_000_000
_NS_PER_MS = 1_000_000
_PROBES = 3
"""How many probes stay unanswered before the system gives a connection up."""

_LINUX = sys.platform.startswith("linux")


def tcp_socket(version: int, part: SocketPart, source: str | None = None) -> socket.socket:
    """Return a TCP socket, not blocking, with the options of `part`.

    version: 4 or 6. source: the address that it will connect from. Raises OSError.

    The source's port is chosen when it connects. A port chosen by `bind` must be free whatever the
    target: the system searched so long for one that 60,000 connections from three addresses took
    107 s of CPU and 6,620 of them came too late; chosen now and from five addresses, all came,
    with 16 s.
    """
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _set_sizes(sock, part)
        _set_timers(sock, part)
        if source is not None:
            if _LINUX:
                sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return sock


def unix_socket(part: SocketPart) -> socket.socket:
    """Return a Unix socket, not blocking, with the buffers of `part`. Raises OSError."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        _set_sizes(sock, part)
    except OSError:
        sock.close()
        raise
    return sock


def missing_options(part: SocketPart) -> tuple[str, ...]:
    """Return the options asked for that this system does not have, as it calls them."""
    wanted = {
        "TCP_QUICKACK": part.quickack,
        "TCP_KEEPIDLE": part.keepalive_ns,
        "TCP_USER_TIMEOUT": part.tcp_user_timeout_ns,
    }
    return tuple(
        name for name, value in wanted.items() if value is not None and not hasattr(socket, name)
    )


def is_here(address: str) -> bool:
    """Tell whether connections can come from `address`: whether it is one of this machine."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind((address, 0))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL, errno.EACCES):
            return False
        raise
    return True


def _set_sizes(sock: socket.socket, part: SocketPart) -> None:
    # Before connecting: the window's scale is agreed on in the handshake (RFC 7323).
    if part.send_buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, part.send_buffer_bytes)
    if part.receive_buffer_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, part.receive_buffer_bytes)


def _set_timers(sock: socket.socket, part: SocketPart) -> None:
    if part.keepalive_ns is not None:
        seconds = part.keepalive_ns // _NS_PER_S
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, seconds)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
    if part.tcp_user_timeout_ns is not None:
        timeout_ms = part.tcp_user_timeout_ns // _NS_PER_MS
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
