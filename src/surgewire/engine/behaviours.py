"""Which users of a run misbehave, and how."""

from random import Random

from surgewire.plan.behaviour import Behaviour
from surgewire.plan.models import Plan, SendingPlan

_SEED = 1


def seed_of(plan: Plan) -> int:
    """Return what a run's chances are drawn from."""
    return plan.seed if isinstance(plan, SendingPlan) else _SEED


def behaviours_of(plan: Plan, users: range) -> dict[int, Behaviour]:
    """Return the behaviour of each of `users` that misbehaves.

    The seed shuffles who that is, over all users of the run: each worker draws the same lots. Each
    behaviour has exactly the users that its share says.
    """
    counts = [one.users(plan.connections) for one in plan.behave]
    lots = iter(Random(seed_of(plan)).sample(range(plan.connections), sum(counts)))  # noqa: S311
    found: dict[int, Behaviour] = {}
    for behaviour, count in zip(plan.behave, counts, strict=True):
        for _, user in zip(range(count), lots, strict=False):
            if user in users:
                found[user] = behaviour
    return found
