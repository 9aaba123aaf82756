"""The message by which a user asks to join its room."""

import time

from surgewire._core.template import Template
from surgewire.plan.models import ChatPlan
from surgewire.plan.template import Part


class JoinMessage:
    """Writes the message of `plan.join` for each user, with what it has of its own."""

    def __init__(self, plan: ChatPlan) -> None:
        """Compile the template, where it is the same for all users."""
        self._request = plan.request
        self._columns = frozenset(plan.request.columns)
        self._parts = plan.join_parts or ()
        own = any(self._is_column(part) for part in self._parts)
        self._template = None if own else Template(self._parts)

    def payload(self, user: int, room: int) -> bytes:
        """Return the message of `user`, who asks to be let into `room`, now."""
        template = self._template or Template(self._filled(part, user) for part in self._parts)
        return template.payload(room=room, user=user, now_ms=time.time_ns() // 1_000_000)

    def _filled(self, part: Part, user: int) -> Part:
        return self._request.value(user, str(part[0])) if self._is_column(part) else part

    def _is_column(self, part: Part) -> bool:
        return not isinstance(part, bytes) and part[0] in self._columns
