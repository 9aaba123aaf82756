"""Local ports: each pair of a source and a target address has one range of them."""

from typing import TYPE_CHECKING

from surgewire.doctor.demand import Demand, counted
from surgewire.doctor.finding import Finding, Status, ok
from surgewire.doctor.root import Root, whole

if TYPE_CHECKING:
    from surgewire.doctor.machine import Machine

_RANGE = "proc/sys/net/ipv4/ip_local_port_range"
_RESERVED = "proc/sys/net/ipv4/ip_local_reserved_ports"
_REUSE = "proc/sys/net/ipv4/tcp_tw_reuse"

# What systems without /proc use: the dynamic ports of RFC 6335, section 6.
_DYNAMIC_PORTS = (49_152, 65_535)
_WIDEST = (1_024, 65_535)
# Ports of the range that other programs of the machine hold, or that hang in TIME_WAIT.
_SPARE_PORTS = 1_000


def port_range(root: Root) -> tuple[int, int]:
    """Return the lowest and the highest port that the system gives to outgoing connections."""
    match root.numbers(_RANGE):
        case (low, high) if low <= high:
            return low, high
        case _:
            return _DYNAMIC_PORTS


def ports_per_source(ports: tuple[int, int], reserved: int = 0) -> int:
    """Return how many connections to one target a source address carries, some ports spared.

    reserved: ports within the range that the system keeps back.
    """
    low, high = ports
    return max(high - low + 1 - _SPARE_PORTS - reserved, 1)


def check_ports(demand: Demand, machine: "Machine") -> Finding:
    """Hold the connections against the ports of all pairs of addresses."""
    if demand.paths == 0:
        return ok("local_ports", "none are needed")
    reserved = _reserved_within(machine.root, machine.ports)
    each = ports_per_source(machine.ports, reserved)
    room = each * demand.paths
    low, high = machine.ports
    found = f"{room:,} (range {low}-{high}"
    found += f", {reserved:,} of them reserved" if reserved else ""
    found += f", {counted(demand.paths, 'pair')} of addresses)"
    wanted = f"{demand.connections:,}, one for each connection to {demand.host}"
    if demand.connections > room:
        return _too_few(demand, machine, found, wanted)
    waiting = _waiting(machine.root)
    if waiting and demand.connections + waiting > room:
        return _held_back(waiting, machine, found, wanted)
    return ok("local_ports", found, wanted)


def _too_few(demand: Demand, machine: "Machine", found: str, wanted: str) -> Finding:
    widest = ports_per_source(_WIDEST) * demand.paths
    command = None
    if demand.connections <= widest:
        low, high = _WIDEST
        command = machine.sudo(f'sysctl -w net.ipv4.ip_local_port_range="{low} {high}"')
        advice = ""
    else:
        advice = (
            f"use `{demand.connections_option} {widest}`, as no range gives more; or more source "
            "addresses with `--source`, or more machines"
        )
    consequence = "the run is refused: connections would fail as local_ports_exhausted"
    return Finding("local_ports", Status.FAIL, found, wanted, command, advice, consequence)


def _held_back(waiting: int, machine: "Machine", found: str, wanted: str) -> Finding:
    return Finding(
        "local_ports",
        Status.WARN,
        f"{found}, and {counted(waiting, 'connection')} in TIME_WAIT",
        wanted,
        machine.sudo("sysctl -w net.ipv4.tcp_tw_reuse=1"),
        "wait a minute",
        "connections to the same target may fail as local_ports_exhausted",
    )


def _waiting(root: Root) -> int:
    """Return how many closed connections keep their port, unless the system gives it again."""
    if root.number(_REUSE) == 1:
        return 0
    return root.counts("proc/net/sockstat", "TCP").get("tw", 0)


def _reserved_within(root: Root, ports: tuple[int, int]) -> int:
    low, high = ports
    within = 0
    # The kernel writes them merged and in order: 8080,9000-9100.
    for part in (root.text(_RESERVED) or "").split(","):
        first, dash, last = part.strip().partition("-")
        begin, end = whole(first), whole(last if dash else first)
        if begin is not None and end is not None:
            within += max(min(end, high) - max(begin, low) + 1, 0)
    return within
