"""Where connections come from: one source address has only so many ports for one target.

A TCP connection is told apart by both addresses and both ports. On loopback there are millions of
addresses to connect from, so a run that needs more connections than one address has ports deals
its users over 127.0.0.1, 127.0.0.2 and so on.
"""

import ipaddress
import sys
from pathlib import Path

from surgewire.plan.models import Plan

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")

# What systems without /proc use: the dynamic ports of RFC 6335, section 6.
_DYNAMIC_PORTS = (49_152, 65_535)
# Ports of the range that other programs of the machine hold, or that hang in TIME_WAIT.
_SPARE_PORTS = 1_000
_MAX_SOURCES = 250


def port_range() -> tuple[int, int]:
    """Return the lowest and the highest port that the system gives to outgoing connections."""
    try:
        low, high = PORT_RANGE.read_text().split()
        return int(low), int(high)
    except (OSError, ValueError):
        return _DYNAMIC_PORTS


def ports_per_source(ports: tuple[int, int]) -> int:
    """Return how many connections to one target a source address carries, some ports spared."""
    low, high = ports
    return max(high - low + 1 - _SPARE_PORTS, 1)


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
    each = ports_per_source(port_range() if ports is None else ports)
    if plan.connections <= each or not can_spread(plan.target.host):
        return ()
    needed = -(-plan.connections // each)
    return tuple(f"127.0.0.{1 + i}" for i in range(min(needed, _MAX_SOURCES)))
