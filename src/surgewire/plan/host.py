"""Names of hosts and addresses, as URLs and options name them."""

import ipaddress
import re

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_MAX_HOST_LENGTH = 253


class HostError(ValueError):
    """What is no host; the message says why and what to write, and does not repeat it."""


def parse_host(text: str) -> str:
    """Return a host name in ASCII, or an address in normal form, without brackets.

    An IPv6 address stands in brackets (RFC 3986, section 3.2.2). Raises HostError.
    """
    if text.startswith("["):
        try:
            return str(ipaddress.IPv6Address(text[1:].removesuffix("]")))
        except ValueError:
            raise HostError("a bad address; an IPv6 address is written [::1]") from None
    try:
        host = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError:
        raise HostError("a bad name; write for example example.com or [::1]") from None
    host = host.lower()
    labels = host.removesuffix(".").split(".")
    if len(host) > _MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise HostError("a bad name; write for example example.com or [::1]")
    if labels[-1].isdigit():
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise HostError("a bad address; write four numbers, as 127.0.0.1") from None
    return host


def is_address(host: str) -> bool:
    """Tell whether `host` is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def shown(host: str) -> str:
    """Return `host` as a URL has it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host
