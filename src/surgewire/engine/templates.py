"""Messages as the plan has them, compiled for the users of a worker."""

from surgewire._core.template import Template
from surgewire.plan.models import ChatPlan
from surgewire.plan.template import Part


def message_template(plan: ChatPlan) -> Template:
    """Compile what users send."""
    return _compiled(plan, plan.message_parts, binary=plan.binary)


def join_template(plan: ChatPlan) -> Template | None:
    """Compile the message that asks to join; None without one."""
    return None if plan.join_parts is None else _compiled(plan, plan.join_parts)


def _compiled(plan: ChatPlan, parts: tuple[Part, ...], *, binary: bool = False) -> Template:
    """Compile a template whose slots may be columns of the table of users."""
    users = plan.request.users
    if users is None:
        return Template(parts, binary=binary)
    places = {column: ("column", place) for place, column in enumerate(users.columns)}
    numbered = [part if isinstance(part, bytes) else places.get(part[0], part) for part in parts]
    return Template(numbered, binary=binary, cells=users.cells)
