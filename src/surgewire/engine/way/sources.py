"""Where connections come from: one source address has only so many ports for one target.

A TCP connection is told apart by both addresses and both ports. On loopback there are millions of
addresses to connect from, so a run that needs more connections than one address has ports deals
its users over 127.0.0.1, 127.0.0.2 and so on.
"""

import ipaddress
import math
import socket
import sys

from surgewire.doctor.ports import port_range, ports_per_source
from surgewire.doctor.root import HERE
from surgewire.plan.models import Plan

_MAX_SOURCES = 250
# The fuller a range is, the longer the system searches it for a free port.
_FULLEST = 0.5
# linux/in.h; Python has a name for it from 3.14 on.
_IP_BIND_ADDRESS_NO_PORT = 24


def can_spread(host: str) -> bool:
    """Tell whether this machine has more than one address from which it reaches `host`."""
    if not sys.platform.startswith("linux"):
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return False


def source_addresses(plan: Plan, ports: tuple[int, int] | None = None) -> tuple[str, ...]:
    """Return the addresses to connect from; empty when the system's own choice will do.

    User i connects from ``addresses[i % len(addresses)]``. `ports` is the range of port_range().
    """
    each = ports_per_source(port_range(HERE) if ports is None else ports)
    if plan.connections <= each or not can_spread(plan.target.host):
        return ()
    needed = math.ceil(plan.connections / (each * _FULLEST))
    return tuple(f"127.0.0.{1 + i}" for i in range(min(needed, _MAX_SOURCES)))


def socket_from(source: str) -> socket.socket:
    """Return a TCP socket, not blocking, that will connect from the IPv4 address `source`.

    Its port is chosen when it connects. A port chosen by `bind` must be free whatever the target:
    the system searched so long for one that 60,000 connections from three addresses took 107 s of
    CPU and 6,620 of them came too late; chosen now and from five addresses, all came, with 16 s.
    Raises OSError.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        sock.bind((source, 0))
    except OSError:
        sock.close()
        raise
    return sock
