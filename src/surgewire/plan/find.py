"""The plan of a search: the highest rate of connecting at which a target keeps to a goal."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import model_validator

from surgewire.plan import fields
from surgewire.plan.connect import ConnectPlan
from surgewire.plan.fields import HOUR, MS, S
from surgewire.plan.units import PPM, Rate, UnitError
from surgewire.plan.way.part import Part

LOWEST_PER_S = 50
HIGHEST_PER_S = 100_000
"""Where a search begins and ends that is told neither."""


class FindPlan(Part):
    """A search for the highest rate at which connecting keeps to a goal. Frozen.

    `steps` is what each step does: a ConnectPlan whose rate is the range to search in
    (``connect_rate="50/s..100000/s"``) and whose number of connections is a bound that no step
    reaches. `p99_ns`: the goal, of the time to connect. `step_ns`: for how long each rate is tried.
    `within_ppm`: how close the rate that held and the one that broke are to be in the end.
    """

    OPTIONS: ClassVar[dict[str, str]] = {"steps": "--rate"}

    steps: ConnectPlan
    p99_ns: Annotated[int, *fields.duration(MS, HOUR)] = S
    step_ns: Annotated[int, *fields.duration(S // 10, HOUR)] = 5 * S
    within_ppm: Annotated[int, *fields.share(PPM // 1000, PPM // 2)] = PPM // 20

    @classmethod
    def of(cls, *, p99: str | None = None, step: str | None = None, **steps: Any) -> "FindPlan":
        """Make a plan of the fields of a ConnectPlan; the range of rates may be left out.

        Raises UnitError and pydantic's ValidationError.
        """
        for field, option in (("connections", "--total"), ("hold", "--hold")):
            if steps.get(field) is not None:
                raise UnitError(f"--find-rate decides about {option} by itself; leave it out")
        for field in ("storm", "waves", "reconnect_storm"):
            if steps.get(field) is not None:
                option = f"--{field.replace('_', '-')}"
                raise UnitError(f"--find-rate follows a rate; leave out {option} or --find-rate")
        rate = steps.pop("connect_rate", None) or f"{LOWEST_PER_S}/s..{HIGHEST_PER_S}/s"
        if isinstance(rate, str) and ".." not in rate:
            rate = f"{rate}..{HIGHEST_PER_S}/s"
        steps |= {"connections": fields.MAX_CONNECTIONS, "connect_rate": rate, "kind": "connect"}
        given = {"p99": p99, "step": step}
        told: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        return cls(steps=ConnectPlan(**steps), **told)

    @property
    def low_per_s(self) -> int:
        """The first rate that is tried, in whole connections per second."""
        rate = self.steps.connect_rate
        return 1 if rate is None else max(1, int(rate.per_s))

    @property
    def high_per_s(self) -> int:
        """The highest rate that is tried."""
        rate = self.steps.connect_rate_end
        return HIGHEST_PER_S if rate is None else int(rate.per_s)

    def step(self, per_s: int) -> ConnectPlan:
        """Return the plan of the step that tries `per_s` connections a second."""
        connections = min(max(1, per_s * self.step_ns // S), fields.MAX_CONNECTIONS)
        return self.steps.model_copy(
            update={
                "connections": connections,
                "processes": min(self.steps.processes, connections),
                "connect_rate": Rate(per_s, S),
                "connect_rate_end": None,
            }
        )

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        rate = self.steps.connect_rate
        if rate is None or rate.per_s < 1:
            raise UnitError("--find-rate tries 1/s and more; write for example --rate 50/s..5000/s")
        if self.high_per_s < self.low_per_s:
            raise UnitError(
                f"--rate: the lower rate comes first; write {self.high_per_s}/s..{self.low_per_s}/s"
            )
        return self
