"""Redirects: where users go on to, and where they do not.

A server that redirects decides where we connect. So the way is short, never from wss to ws, and
what a user brings along stays with the origin that it was meant for: once a user has been sent to
another, no credential goes along any more, not even back.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urldefrag, urljoin

from surgewire.engine.taxonomy import REDIRECT_INSECURE, REDIRECT_INVALID, REDIRECT_LIMIT
from surgewire.plan.target import Target, TargetError, parse_target
from surgewire.plan.way.request import MAX_HOPS

FACT = "redirects_followed"

_REDIRECTING = frozenset(f"http_{status}" for status in (301, 302, 303, 307, 308))

# Stands for the host of the target while a Location is resolved (RFC 6761: there is no such name).
_HERE = "here.invalid"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Hop:
    """Where a user was sent.

    number: how many redirects led there, from 1. crossed: whether any of them left the origin
    (scheme, host and port) that the user began with.
    """

    target: Target
    number: int
    crossed: bool


class Redirects:
    """Who of a worker's users is on the way to another address."""

    def __init__(self, target: Target, tell: Callable[[str], None]) -> None:
        """Take where all users begin. tell: counts a fact by its name."""
        self._target = target
        self._tell = tell
        self._locations: dict[int, tuple[str, str]] = {}
        self._hops: dict[int, Hop] = {}

    def hop_of(self, user: int) -> Hop | None:
        """Return where `user` was sent; None where it begins at the beginning."""
        return self._hops.get(user)

    def note(self, user: int, resource: str, location: str) -> None:
        """Keep the Location that came in answer to a request for `resource`."""
        self._locations[user] = resource, location

    def turn(self, user: int, kind: str) -> str | None:
        """Tell what becomes of an attempt of `user` that ended by `kind`.

        Return None where the user is to go on (see `hop_of`), else the kind of its failure: `kind`
        itself, or the reason why a redirect is not followed.
        """
        hop = self._hops.pop(user, None)
        resource, location = self._locations.pop(user, ("", ""))
        if kind not in _REDIRECTING:
            return kind
        if not location:
            return REDIRECT_INVALID
        if hop is not None and hop.number >= MAX_HOPS:
            return REDIRECT_LIMIT
        here = hop.target if hop is not None else self._target
        target = target_of(here, resource, location)
        if target is None:
            return REDIRECT_INVALID
        if here.secure and not target.secure:
            return REDIRECT_INSECURE
        number, crossed = (hop.number, hop.crossed) if hop is not None else (0, False)
        self._hops[user] = Hop(target, number + 1, crossed or origin(target) != origin(here))
        self._tell(FACT)
        return None

    def arrived(self, user: int) -> None:
        """Forget where `user` was sent: the next attempt begins at the beginning."""
        self._hops.pop(user, None)


def origin(target: Target) -> tuple[bool, str, int, str]:
    """Return what must be the same for credentials to go along."""
    return target.secure, target.host, target.port, target.unix_path


def target_of(here: Target, resource: str, location: str) -> Target | None:
    """Resolve a Location (RFC 9110 section 10.2.2) in answer to a request for `resource` of `here`.

    http means ws and https wss. Return None for what is no address.
    """
    scheme = "https" if here.secure else "http"
    try:
        url = urldefrag(urljoin(f"{scheme}://{_HERE}{resource}", location)).url
        written, _, rest = url.partition("://")
        found = parse_target(f"{_SCHEMES.get(written.lower(), written)}://{rest}")
    except (TargetError, ValueError):
        return None
    if found.unix_path:
        # A server has no business with the sockets of this machine,
        return None
    # nor with user names.
    found = replace(found, userinfo="")
    if found.host != _HERE:
        return found
    return replace(
        here, url=here.url.removesuffix(here.resource) + found.resource, resource=found.resource
    )
