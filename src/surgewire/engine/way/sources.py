"""Where connections come from: one source address has only so many ports for one target.

A TCP connection is told apart by both addresses and both ports. On loopback there are millions of
addresses to connect from, so a run that needs more connections than one address has ports deals
its users over 127.0.0.1, 127.0.0.2 and so on. Elsewhere the user names the addresses.
"""

import ipaddress
import math
import socket
import sys
from collections.abc import Sequence
from typing import Any

import psutil

from surgewire.doctor.ports import port_range, ports_per_source
from surgewire.doctor.root import HERE
from surgewire.engine.way.sockets import is_here
from surgewire.errors import UsageError
from surgewire.plan.host import is_address
from surgewire.plan.models import Plan
from surgewire.plan.way.resolve import find_resolution
from surgewire.plan.way.route_checks import first_hop
from surgewire.plan.way.source import AddressRange, Interface, Source

_MAX_SOURCES = 250
# The fuller a range is, the longer the system searches it for a free port.
FULLEST = 0.5


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


def spreads_by_itself(plan: Plan) -> bool:
    """Tell whether the run takes as many addresses to connect from as it needs."""
    if plan.route.ip_version == 6:
        return False
    wanted = not plan.route.sources or plan.route.source == "auto"
    return wanted and all(map(can_spread, _destinations(plan)))


def source_addresses(plan: Plan, ports: tuple[int, int] | None = None) -> tuple[str, ...]:
    """Return the addresses to connect from; empty when the system's own choice will do.

    User i connects from ``addresses[i % len(addresses)]``. `ports` is the range of port_range().
    Raises UsageError where the plan names what this machine does not have.
    """
    if plan.target.unix_path:
        return ()
    if spreads_by_itself(plan):
        each = ports_per_source(port_range(HERE) if ports is None else ports)
        if plan.connections <= each:
            return ()
        needed = math.ceil(plan.connections / (each * FULLEST))
        return tuple(f"127.0.0.{1 + i}" for i in range(min(needed, _MAX_SOURCES)))
    named = [address for source in plan.route.sources for address in _addresses(source, plan)]
    # dict: each address once.
    return tuple(dict.fromkeys(named))


def check_sources(plan: Plan, sources: tuple[str, ...]) -> None:
    """Raise UsageError unless connections can come from all of `sources` and reach the target."""
    for address in sources:
        if not is_here(address):
            raise UsageError(
                f"--source {address} is no address of this machine; `ip address` lists those it has"
            )
    reachable = _versions_of_target(plan) if sources else set()
    for address in sources:
        if reachable and _version(address) not in reachable:
            raise UsageError(
                f"--source {address} is of IPv{_version(address)} and {_destinations(plan)[0]} is "
                "not; write addresses of the same version"
            )


def paths_of(plan: Plan, sources: tuple[str, ...]) -> int:
    """Return how many pairs of a source and a target address the connections are spread over.

    Each pair has all ports. 0 where no ports are needed; names that are yet to be looked up count
    as one address.
    """
    if plan.target.unix_path:
        return 0
    destinations = set(_destinations(plan))
    versions = [_version(text) if is_address(text) else None for text in destinations]
    if not sources:
        return len(destinations)
    return sum(versions.count(_version(source)) + versions.count(None) for source in sources)


def _destinations(plan: Plan) -> tuple[str, ...]:
    """Return the addresses that TCP connects to; the name, where nothing is known of it."""
    host, port = first_hop(plan)
    entry = find_resolution(plan.route.resolutions, host, port)
    return entry.addresses if entry else (host,)


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def _addresses(source: Source, plan: Plan) -> tuple[str, ...]:
    if isinstance(source, AddressRange):
        return tuple(source)
    interfaces = psutil.net_if_addrs()
    if isinstance(source, Interface):
        if source.name not in interfaces:
            raise UsageError(
                f"--source {source.name} is no network interface of this machine; it has "
                f"{', '.join(sorted(interfaces))}"
            )
        if found := _fitting(interfaces[source.name], _versions_of_target(plan)):
            return found
        raise UsageError(
            f"--source {source.name} has no address that goes with {_destinations(plan)[0]}; "
            "name another interface, or addresses"
        )
    local = _local_address(plan)
    for entries in interfaces.values():
        found = _fitting(entries, {_version(local)})
        if local in found:
            return found
    return (local,)


def _fitting(entries: Sequence[Any], versions: set[int]) -> tuple[str, ...]:
    """Return the addresses of an interface; of certain versions only, where any are given."""
    families = (socket.AF_INET, socket.AF_INET6)
    # Link-local addresses reach nothing without naming the interface as well.
    return tuple(
        entry.address
        for entry in entries
        if entry.family in families
        and "%" not in entry.address
        and (not versions or _version(entry.address) in versions)
    )


def _versions_of_target(plan: Plan) -> set[int]:
    """Return the versions of the addresses that TCP goes to; empty where a name is unknown."""
    if plan.route.ip_version is not None:
        return {plan.route.ip_version}
    destinations = _destinations(plan)
    if not is_address(destinations[0]):
        try:
            port = first_hop(plan)[1]
            entries = socket.getaddrinfo(destinations[0], port, type=socket.SOCK_STREAM)
        except OSError:
            return set()
        destinations = tuple(str(entry[4][0]) for entry in entries)
    return {_version(text) for text in destinations}


def _local_address(plan: Plan) -> str:
    """Return the address from which the system would connect; nothing is sent for that."""
    families = {4: socket.AF_INET, 6: socket.AF_INET6, None: socket.AF_UNSPEC}
    host, port = _destinations(plan)[0], first_hop(plan)[1]
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, family=families[plan.route.ip_version], type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(
            f"--source auto finds no way to {host} ({why}); name the addresses to connect from"
        ) from None
