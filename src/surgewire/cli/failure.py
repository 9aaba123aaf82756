"""Why a run could not be done, and what to do about it, in one line."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from surgewire.results.result import Result

_ADVICE = {
    "dns": "the host name does not resolve; check {host}",
    "tcp_refused": "nothing listens on {host} port {port}; start the server or check the port",
    "tcp_timeout": "nothing answers at {host} port {port}; check address and firewall",
    "tcp_unreachable": "no route leads to {host}; check address and network",
    "tcp_reset": "{host} port {port} drops connections; check that a WebSocket server is there",
    "timeout_dns": "the resolver does not answer for {host}; give an address with --resolve",
    "timeout_proxy": "the proxy gives no answer; check that it reaches {host} port {port}",
    "timeout_connect": "nothing answers at {host} port {port}; check address and firewall",
    "timeout_tls": "no TLS answer comes from {host} port {port}; is it a ws:// server?",
    "timeout_upgrade": "no answer to the upgrade comes; check that a WebSocket server is there",
    "upgrade_invalid": "what answers is no WebSocket server; check port and path",
    "upgrade_eof": "the server hangs up on the upgrade; check that a WebSocket server is there",
    "redirect_insecure": "the server redirects from wss to ws; write the ws:// address",
    "redirect_invalid": "the server redirects to what is no address; check the URL",
    "redirect_limit": "the server redirects in a circle; check the URL",
    "proxy_auth": "the proxy wants user and password; write them into --proxy",
    "unix_missing": "there is no such Unix socket; start the server or check the path",
    "unix_forbidden": "this user may not use the Unix socket; check its permissions",
    "unix_refused": "nobody listens on the Unix socket; start the server",
    "unix_backlog_full": "the queue of the Unix socket is full; use a lower rate",
    "tls_certificate_expired": "the server's certificate has expired; --insecure checks none",
    "tls_certificate_wrong_name": "the server's certificate is not for {host}; check the host name",
    "local_fd_limit": "this machine allows too few open files; see `surgewire doctor`",
    "local_ports_exhausted": "this machine is out of ports; see `surgewire doctor`",
    "local_memory": "this machine is out of memory for sockets; use fewer connections",
}
_BY_PREFIX = {
    "http_3": "the server redirects (HTTP status 3{rest}); write that address, or --follow",
    "http_": "the server answers the upgrade with HTTP status {rest}; check path and credentials",
    "proxy_http_": "the proxy answers with HTTP status {rest}; does it reach {host} port {port}?",
    "proxy_": "the proxy leads nowhere; check --proxy, and that it reaches {host} port {port}",
    "tls_certificate": "the server's certificate is not trusted; name its authority with --ca",
    "tls_": "TLS cannot be agreed on with {host} port {port}; is it a ws:// server?",
}


def why_failed(result: "Result") -> str:
    """Say in one line why a run with the verdict ``failed`` could not be done."""
    joins, errors = result.joins, result.connections.errors
    if joins is not None and joins.failed and not joins.joined:
        return (
            f"{result.target.url}: no user has joined: {joins.failed:,} joins were not confirmed; "
            "check --join and --joined, or give more time with --join-timeout"
        )
    if result.connections.established or not errors:
        return f"{result.verdict.reasons[0]}; see the events of the run"
    kind = max(errors, key=lambda name: errors[name])
    advice = _advice(kind, result)
    return f"{result.target.url}: no connection was established: {kind}{advice and f', {advice}'}"


def _advice(kind: str, result: "Result") -> str:
    text = _ADVICE.get(kind)
    rest = ""
    for prefix, general in _BY_PREFIX.items():
        if text is None and kind.startswith(prefix):
            text, rest = general, kind.removeprefix(prefix)
    target = result.target
    return (text or "").format(host=target.host, port=target.port, rest=rest)
