"""Routes that lead nowhere, and what of a route would do nothing."""

import ipaddress
from typing import TYPE_CHECKING

from surgewire.plan.host import is_address
from surgewire.plan.units import UnitError
from surgewire.plan.way.resolve import find_resolution

if TYPE_CHECKING:
    from surgewire.plan.base import Plan

_FIELD_OPTIONS = {
    "quickack": "--quickack",
    "keepalive_ns": "--keepalive",
    "tcp_user_timeout_ns": "--tcp-user-timeout",
}


def check_route(plan: "Plan") -> None:
    """Refuse a route that leads nowhere, or of which a part would do nothing. Raises UnitError."""
    if plan.target.unix_path:
        _check_unix(plan)
        return
    _check_resolutions(plan)
    _check_family(plan)


def check_timeouts(plan: "Plan") -> None:
    """Refuse a bound on a phase that there is not. Raises UnitError."""
    if plan.tls_timeout_ns is not None and not plan.target.secure:
        raise UnitError("--tls-timeout needs a wss:// URL; leave it out, or write the URL with wss")


def first_hop(plan: "Plan") -> tuple[str, int]:
    """Return host and port that TCP connects to: those of the target, or of the proxy."""
    via = plan.route.via
    return (plan.target.host, plan.target.port) if via is None else (via.host, via.port)


def looked_up(plan: "Plan") -> tuple[tuple[str, int], ...]:
    """Return host and port of all names that we look up, or have addresses for, ourselves."""
    via = plan.route.via
    target = (plan.target.host, plan.target.port)
    if via is None:
        return (target,)
    return ((via.host, via.port),) if via.looks_up else ((via.host, via.port), target)


def _check_unix(plan: "Plan") -> None:
    route = plan.route
    given = [
        ("--proxy", route.proxy),
        ("--source", route.source),
        ("--resolve", route.resolve),
        ("--family", route.ip_version),
        *((_FIELD_OPTIONS[name], True) for name in plan.sockets.of_tcp),
    ]
    for option, value in given:
        if value:
            raise UnitError(f"{option} has no meaning for a Unix socket; leave it out")


def _check_resolutions(plan: "Plan") -> None:
    if plan.request.follow:
        # Where redirects lead is not known yet.
        return
    wanted = looked_up(plan)
    for entry in plan.route.resolutions:
        if any(entry.covers(host, port) for host, port in wanted):
            continue
        host, port = wanted[-1]
        raise UnitError(
            f"--resolve {entry.host}:{entry.port} is about no host that this run looks up; "
            f"write {host}:{port}:ADDRESS"
        )


def _check_family(plan: "Plan") -> None:
    version = plan.route.ip_version
    if version is None:
        return
    for host, port in looked_up(plan):
        entry = find_resolution(plan.route.resolutions, host, port)
        addresses = entry.addresses if entry else (host,) if is_address(host) else ()
        if addresses and all(ipaddress.ip_address(text).version != version for text in addresses):
            raise UnitError(
                f"--family {version} does not go with {addresses[0]}; leave it out, or give an "
                f"address of IPv{version}"
            )
