"""The kernel's network: queues of servers, memory of sockets, tables of firewalls."""

import math

from surgewire.doctor.demand import Demand
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine
from surgewire.doctor.root import Root

# A server that is busy for a second should find all who came meanwhile, and few ask for more.
_LONGEST_QUEUE = 4_096
_CONNTRACK = "proc/sys/net/netfilter/nf_conntrack"
_KEEP_FREE = 0.1


def check_accept_queue(demand: Demand, machine: Machine) -> Finding:
    """Hold the longest queue of a server here against how many come in a second."""
    longest = machine.root.number("proc/sys/net/core/somaxconn")
    wanted = min(_LONGEST_QUEUE, demand.connections, math.ceil(demand.connect_per_s))
    if longest is None:
        return unknown("accept_queue")
    if not demand.local:
        return ok(
            "accept_queue",
            f"somaxconn {longest:,} here",
            f"{wanted:,} or more on the server's machine",
        )
    found, told = f"somaxconn {longest:,}", f"{wanted:,}, what comes in a second of connecting"
    if longest >= wanted:
        return ok("accept_queue", found, told)
    return Finding(
        "accept_queue",
        Status.WARN,
        found,
        told,
        machine.sudo(f"sysctl -w net.core.somaxconn={_LONGEST_QUEUE}"),
        "",
        "SYNs are dropped when the server is busy, and connecting takes a second or three",
    )


def check_socket_memory(demand: Demand, machine: Machine) -> Finding:
    """Hold the pages that TCP may take against one for each socket."""
    if demand.paths == 0:
        return ok("socket_memory", "no TCP is needed")
    limits = machine.root.numbers("proc/sys/net/ipv4/tcp_mem")
    taken = _tcp_pages(machine.root)
    if len(limits) < 3 or taken is None:
        return unknown("socket_memory")
    pressure, most = limits[1], limits[2]
    found = f"TCP holds {taken:,} pages; from {pressure:,} on the kernel saves"
    wanted = f"room for {demand.ends:,}, a page for each socket"
    if taken + demand.ends <= pressure:
        return ok("socket_memory", found, wanted)
    needed = 2 * (taken + demand.ends)
    low, most = max(limits[0], needed // 2), max(most, 2 * needed)
    return Finding(
        "socket_memory",
        Status.WARN,
        found,
        wanted,
        machine.sudo(f'sysctl -w net.ipv4.tcp_mem="{low} {needed} {most}"'),
        "",
        "the kernel narrows windows and drops data: latencies grow, connections stall",
    )


def check_conntrack(demand: Demand, machine: Machine) -> Finding:
    """Hold the table of tracked connections, where there is one, against those of the run."""
    most = machine.root.number(f"{_CONNTRACK}_max")
    if most is None or demand.paths == 0:
        return ok("conntrack", "connections are not tracked here")
    taken = machine.root.number(f"{_CONNTRACK}_count") or 0
    found = f"{taken:,} of {most:,} entries taken"
    wanted = f"room for {demand.connections:,} more"
    # Entries outlive their connections by minutes, so a full tenth is kept free.
    if taken + demand.connections <= most * (1 - _KEEP_FREE):
        return ok("conntrack", found, wanted)
    return Finding(
        "conntrack",
        Status.WARN,
        found,
        wanted,
        machine.sudo(
            f"sysctl -w net.netfilter.nf_conntrack_max={2 * (taken + demand.connections)}"
        ),
        "",
        "where firewall rules track connections, packets of new ones are dropped: tcp_timeout",
    )


def _tcp_pages(root: Root) -> int | None:
    return root.counts("proc/net/sockstat", "TCP").get("mem")
