"""The plan of a connection benchmark: who connects when, and who leaves and comes back."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import model_validator

from surgewire.plan import fields
from surgewire.plan.base import Plan
from surgewire.plan.coming_back import PauseField, check_reconnect, parse_reconnect
from surgewire.plan.fields import HOUR, S
from surgewire.plan.units import PPM, UnitError, parse_count
from surgewire.plan.waves import Waves, WavesField, parse_waves

_SEED = (0, (1 << 64) - 1)


class ConnectPlan(Plan):
    """The connection benchmark: attempts at planned instants, held open for a while, no messages.

    ``connections`` is the number of attempts; ``storm`` and ``waves`` give it by themselves.
    ``reconnect="1s..30s"`` is another way to give the two fields that it is made of.
    """

    OPTIONS: ClassVar[dict[str, str]] = {
        "target": "URL",
        "connections": "--total",
        "connect_rate": "--rate",
        "reconnect_min_ns": "--reconnect",
        "reconnect_max_ns": "--reconnect",
    }

    kind: Literal["connect"] = "connect"
    storm: Annotated[int, *fields.count(1, fields.MAX_CONNECTIONS)] | None = None
    waves: WavesField | None = None
    hold_ns: Annotated[int, *fields.duration(0, fields.LONGEST_NS)] = 0
    until_message: bool = False
    reconnect_storm_ppm: Annotated[int, *fields.share(1, PPM)] | None = None
    reconnect_min_ns: PauseField | None = None
    reconnect_max_ns: PauseField | None = None
    return_timeout_ns: Annotated[int, *fields.duration(S // 10, HOUR)] = 60 * S
    seed: Annotated[int, *fields.count(*_SEED)] = 1

    @property
    def surges(self) -> Waves | None:
        """The waves of the run, of which a storm is the only one; None where a rate is followed."""
        return Waves(1, self.storm, 1) if self.storm is not None else self.waves

    @property
    def connect_span_ns(self) -> int:
        """Time from the first to the last planned connect, of a rate to one step behind it."""
        return super().connect_span_ns if self.surges is None else self.surges.span_ns

    @property
    def leavers(self) -> int:
        """How many users leave in the reconnect storm: the share asked for, at least one."""
        if self.reconnect_storm_ppm is None:
            return 0
        return max(1, self.connections * self.reconnect_storm_ppm // PPM)

    @model_validator(mode="before")
    @classmethod
    def _take_size_of_surges(cls, data: Any) -> Any:
        """Take from a storm and from waves how many connections there are."""
        if not isinstance(data, Mapping):
            return data
        option = "--storm" if data.get("storm") is not None else "--waves"
        try:
            size = _size_of(data.get("storm"), data.get("waves"))
        except UnitError as error:
            raise UnitError(f"{option}: {error}") from None
        if size is None or data.get("connections") == size:
            return data
        if data.get("connections") is not None:
            raise UnitError("--storm and --waves say how many there are; leave out --total")
        return {**data, "connections": size}

    @model_validator(mode="before")
    @classmethod
    def _split_reconnect(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("reconnect"), str):
            return data
        values = dict(data)
        try:
            least_ns, most_ns = parse_reconnect(values.pop("reconnect"))
        except UnitError as error:
            raise UnitError(f"--reconnect: {error}") from None
        return values | {"reconnect_min_ns": least_ns, "reconnect_max_ns": most_ns}

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        if self.ramp_ns is not None:
            raise UnitError("a connect run follows a rate; leave out the ramp")
        given = {
            "--rate": self.connect_rate is not None,
            "--storm": self.storm is not None,
            "--waves": self.waves is not None,
        }
        asked = [option for option, there in given.items() if there]
        if not asked:
            raise UnitError(
                "--rate is missing; write for example --rate 500/s, or --storm 1000, or "
                "--waves 5x2000/10s"
            )
        if len(asked) > 1:
            raise UnitError(f"{' and '.join(asked)} both say when to connect; write one of them")
        if self.surges is not None and self.connections != self.surges.users:
            raise UnitError("--storm and --waves say how many there are; leave out --total")
        return self

    @model_validator(mode="after")
    def _check_return(self) -> Self:
        check_reconnect(self.reconnect_min_ns, self.reconnect_max_ns)
        if self.reconnect_min_ns is not None and self.reconnect_storm_ppm is None:
            raise UnitError(
                "--reconnect says how those of a --reconnect-storm come back; write for example "
                "--reconnect-storm 20%"
            )
        return self


def _size_of(storm: Any, waves: Any) -> int | None:
    """Return how many connections a storm or waves are; None where neither says it."""
    if isinstance(storm, str):
        storm = parse_count(storm)
    if isinstance(waves, str):
        waves = parse_waves(waves)
    size = waves.users if isinstance(waves, Waves) else None
    size = storm if isinstance(storm, int) else size
    if size is not None and not 1 <= size <= fields.MAX_CONNECTIONS:
        raise UnitError(
            f"{size:,} connections cannot be; write 1 to {fields.MAX_CONNECTIONS:,} in all"
        )
    return size
