"""The opening handshakes of a worker's users: what is asked for, by whom, and of which address."""

from collections.abc import Callable
from functools import partial

from websockets.headers import build_authorization_basic
from websockets.uri import WebSocketURI

from surgewire.dialects.client_upgrade import ClientUpgrade, UpgradeRequest
from surgewire.dialects.deflate import DeflateOffer
from surgewire.engine.way.redirects import Hop, Redirects
from surgewire.plan.models import Plan
from surgewire.plan.target import Target
from surgewire.release import release

DEFAULT_USER_AGENT = f"surgewire/{release()}"


class Requests:
    """Makes the handshake of each user's next attempt; `redirects` knows who goes elsewhere."""

    def __init__(self, plan: Plan, redirects: Redirects, tell: Callable[[str], None]) -> None:
        """Compose what all users have in common. tell: counts a fact by its name."""
        self._plan = plan
        self._tell = tell
        self._redirects = redirects
        self._request = first_request(plan)

    def upgrade(self, user: int, room: int = 0) -> ClientUpgrade:
        """Return the opening handshake of `user`, who is in `room`."""
        if not self._plan.request.follow:
            return ClientUpgrade(self._fill(self._request, user, room), self._tell)
        hop = self._redirects.hop_of(user)
        request = self._request if hop is None else hop_request(self._plan, hop)
        return ClientUpgrade(
            self._fill(request, user, room), self._tell, partial(self._redirects.note, user)
        )

    def _fill(self, request: UpgradeRequest, user: int, room: int) -> UpgradeRequest:
        def value(name: str) -> bytes:
            match name:
                case "user":
                    return b"%d" % user
                case "room":
                    return b"%d" % room
                case column:
                    return self._plan.request.value(user, column)

        return request.filled(value)


def first_request(plan: Plan) -> UpgradeRequest:
    """Compose the request for the target of `plan`, slots as they were written."""
    asked = plan.request
    return UpgradeRequest(
        uri_of(plan.target, asked.resource(plan.target.resource)),
        asked.user_agent or DEFAULT_USER_AGENT,
        headers=(*asked.headers, *credentials(plan)),
        origin=asked.origin,
        subprotocols=asked.subprotocols,
        deflate=deflate_offer(plan),
        follows=asked.follow,
    )


def hop_request(plan: Plan, hop: Hop) -> UpgradeRequest:
    """Compose the request for an address that a server named.

    Braces in that address are text: a server must not learn a user's values by naming them.
    To another origin nothing goes along that may be a credential.
    """
    asked = plan.request
    subprotocols = [None if hop.crossed and "{{" in name else name for name in asked.subprotocols]
    return UpgradeRequest(
        uri_of(hop.target, hop.target.resource.replace("{", "%7B").replace("}", "%7D")),
        DEFAULT_USER_AGENT if hop.crossed else asked.user_agent or DEFAULT_USER_AGENT,
        headers=() if hop.crossed else (*asked.headers, *credentials(plan)),
        origin=None if hop.crossed else asked.origin,
        subprotocols=subprotocols,
        deflate=deflate_offer(plan),
        follows=True,
    )


def deflate_offer(plan: Plan) -> DeflateOffer | None:
    """Return which compression the plan offers."""
    deflate = plan.deflate
    if not deflate.is_offered:
        return None
    return DeflateOffer(*deflate.parameters, level=deflate.effort)


def credentials(plan: Plan) -> list[tuple[str, str]]:
    """Return the headers for cookies and for the user name in the URL (RFC 7617)."""
    found = []
    if plan.request.cookies:
        pairs = (f"{name}={value}" for name, value in plan.request.cookies)
        found.append(("Cookie", "; ".join(pairs)))
    if plan.target.userinfo:
        user, _, password = plan.target.userinfo.partition(":")
        found.append(("Authorization", build_authorization_basic(user, password)))
    return found


def uri_of(target: Target, resource: str) -> WebSocketURI:
    """Return an address in the form that the `websockets` library takes."""
    path, _, query = resource.partition("?")
    return WebSocketURI(target.secure, target.host, target.port, path, query)
