"""Dialling where servers have redirected users to."""

from collections.abc import Callable

from surgewire._core.connection import Connection
from surgewire.engine.way.attempt import Attempt
from surgewire.engine.way.dialler import Dialler
from surgewire.engine.way.redirects import Redirects, origin
from surgewire.plan.target import Target

# Servers choose where they redirect to, so that they would choose how much we remember.
_MAX_KEPT = 16


class FollowingDialler:
    """Dials for each user the address that it was redirected to, if any."""

    def __init__(
        self,
        target: Target,
        dialler: Dialler,
        redirects: Redirects,
        dialler_to: Callable[[Target], Dialler],
    ) -> None:
        """Dial `target` by `dialler`, and others by what `dialler_to` makes for them."""
        self._redirects = redirects
        self._dialler_to = dialler_to
        self._first = dialler
        self._known = {origin(target): dialler}

    async def dial(self, connection: Connection, attempt: Attempt) -> None:
        """Establish the transport of `connection` and stamp `attempt`; see `Dialler.dial`."""
        hop = self._redirects.hop_of(attempt.user)
        dialler = self._first if hop is None else self._dialler(hop.target)
        await dialler.dial(connection, attempt)

    def _dialler(self, target: Target) -> Dialler:
        dialler = self._known.get(origin(target))
        if dialler is None:
            dialler = self._dialler_to(target)
            if len(self._known) < _MAX_KEPT:
                self._known[origin(target)] = dialler
        return dialler
