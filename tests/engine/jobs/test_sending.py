from surgewire.engine.jobs.sending import message_schedule
from surgewire.plan.models import EchoPlan

S = 1_000_000_000


def test_schedules_are_those_of_the_plan() -> None:
    plan = EchoPlan(url="ws://127.0.0.1/", connections=4, rate="1/s")
    constant = message_schedule(plan)
    assert constant is not None
    assert [constant.instant(user, 0)[0] for user in range(4)] == [0, S // 4, S // 2, 3 * S // 4]
    seeds = {
        message_schedule(
            EchoPlan(url="ws://127.0.0.1/", connections=4, rate="1/s", poisson=True, seed=seed)
        ).instant(1, 0)  # type: ignore[union-attr]
        for seed in (1, 1, 2)
    }
    assert len(seeds) == 2
    assert message_schedule(EchoPlan(url="ws://h/", connections=1, pingpong=True)) is None
