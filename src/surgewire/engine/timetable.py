"""How long each step of a run may take, and when its phases begin."""

from dataclasses import dataclass

from surgewire.engine.joins import JOIN_SETTLES_NS
from surgewire.plan.models import ChatPlan, ConnectPlan, Plan, SendingPlan

_SECOND_NS = 1_000_000_000
# How long answers to close frames are awaited within the margin.
_ANSWERS_NS = 2 * _SECOND_NS
# What a worker takes at most to open or close a connection, on a slow and crowded machine.
_PER_CONNECTION_NS = 200_000


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the supervisor waits before it ends a worker, each in nanoseconds."""

    ready_ns: int = 30 * _SECOND_NS
    """From the fork to being ready."""
    margin_ns: int = 10 * _SECOND_NS
    """Beyond what the plan says that connecting or sending takes."""
    exit_ns: int = 5 * _SECOND_NS
    """From having finished to having ended."""
    abort_ns: int = 2 * _SECOND_NS
    """From being told to give up to having finished."""


def connect_bound_ns(plan: Plan, patience: Patience) -> int:
    """Return how long after the start instant every attempt and join must have an outcome."""
    margin = patience.margin_ns + plan.connections * _PER_CONNECTION_NS
    return plan.connect_span_ns + plan.attempt_timeout_ns + _join_ns(plan) + margin


def _join_ns(plan: Plan) -> int:
    if isinstance(plan, ConnectPlan) and plan.until_message:
        return plan.connect_timeout_ns
    if not isinstance(plan, ChatPlan) or plan.join is None:
        return 0
    return plan.join_timeout_ns or JOIN_SETTLES_NS


def close_bound_ns(plan: Plan, patience: Patience) -> int:
    """Return how long closing and booking may take, when nothing is awaited any more."""
    answers_ns = max(0, plan.closing.waits_ns - _ANSWERS_NS)
    return patience.margin_ns + answers_ns + plan.connections * _PER_CONNECTION_NS


def drain_ns(plan: Plan) -> int:
    """Return how long what is under way is awaited once nothing more is sent."""
    return plan.drain_ns if isinstance(plan, SendingPlan) else 0


def phases_after_connecting(plan: Plan, at_ns: int) -> list[tuple[int, str]]:
    """Return when which phase begins, if sending or holding begins at `at_ns`."""
    if not isinstance(plan, SendingPlan):
        return _phases_of_holding(plan, at_ns)
    sending_ns = at_ns + plan.warmup_ns
    draining_ns = sending_ns + plan.duration_ns
    phases = [
        (sending_ns, "sending"),
        (draining_ns, "draining"),
        (draining_ns + plan.drain_ns, "closing"),
    ]
    return [(at_ns, "warmup"), *phases] if plan.warmup_ns else phases


def _phases_of_holding(plan: Plan, at_ns: int) -> list[tuple[int, str]]:
    held_ns = at_ns + (plan.hold_ns if isinstance(plan, ConnectPlan) else 0)
    if not isinstance(plan, ConnectPlan) or not plan.leavers:
        return [(at_ns, "holding"), (held_ns, "closing")]
    back_ns = held_ns + plan.return_timeout_ns
    return [(at_ns, "holding"), (held_ns, "returning"), (back_ns, "closing")]
