"""The plan of a run: everything that decides what happens, checked before anything does."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from surgewire.plan import fields
from surgewire.plan.fields import DAY, HOUR, MS, US, S
from surgewire.plan.units import (
    Rate,
    UnitError,
    format_duration,
    format_rate,
    format_size,
    parse_rate_range,
    shorten,
)

MARKER_BYTES = 52
"""Length of a marker, the least that a message must hold; ``surgewire._core.marker.LENGTH``."""

_KIB = 1 << 10
_GIB = 1 << 30
_DEFAULT_RAMP_NS = 10 * S
_DEFAULT_RAMP_PER_CONNECTION_NS = MS
_UNITS = ("_ns", "_bytes")

_ConnectRate = fields.rate(fields.MIN_RATE, fields.MAX_CONNECT_RATE)


def default_processes() -> int:
    """One for each core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Plan(BaseModel):
    """What every run has. Frozen; raises pydantic's ValidationError for what makes no sense.

    Durations, sizes and rates are given exactly (``duration_ns=60_000_000_000``, ``Rate(1, …)``)
    or as people write them; then the unit at the end of a field's name may be left out
    (``duration="60s"``). ``url="ws://…"`` is another way to give the target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    OPTIONS: ClassVar[dict[str, str]] = {"target": "URL", "connect_rate": "--connect-rate"}
    """How the command line spells a field, where the name alone does not say it."""

    kind: str
    target: fields.TargetField
    connections: Annotated[int, *fields.count(1, fields.MAX_CONNECTIONS)]
    ramp_ns: Annotated[int, *fields.duration(0, fields.LONGEST_NS)] | None = None
    connect_rate: Annotated[Rate, *_ConnectRate] | None = None
    connect_rate_end: Annotated[Rate, *_ConnectRate] | None = None
    processes: Annotated[int, *fields.count(1, fields.MAX_PROCESSES)] = Field(
        default_factory=default_processes
    )
    connect_timeout_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] = 30 * S
    max_message_bytes: Annotated[int, *fields.size(_KIB, _GIB)] = 16 * _KIB * _KIB

    if TYPE_CHECKING:
        # Fields take more types than they hold; see the class docstring.
        def __init__(self, **values: Any) -> None: ...

    def to_dict(self) -> dict[str, Any]:
        """Everything as types of JSON and msgpack; ``plan_from_dict`` reads it back."""
        return self.model_dump()

    @property
    def connect_span_ns(self) -> int:
        """Time from the first to one step behind the last planned connect, in nanoseconds."""
        if self.connect_rate is None:
            return self.ramp_ns or 0
        first, last = self.connect_rate, self.connect_rate_end or self.connect_rate
        # N / mean(first, last), in whole numbers.
        per_ns = first.per_ns * last.per_ns
        twice_mean = first.count * last.per_ns + last.count * first.per_ns
        return 2 * self.connections * per_ns // twice_mean

    @model_validator(mode="before")
    @classmethod
    def _take_names_without_unit(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        full_names = {"url": "target"}
        for name in cls.model_fields:
            for unit in _UNITS:
                if name.endswith(unit):
                    full_names[name.removesuffix(unit)] = name
        values: dict[str, Any] = {}
        for name, value in data.items():
            full_name = full_names.get(name) or str(name)
            if full_name in values:
                raise UnitError(f"{full_name} is given twice")
            if full_name != name and not isinstance(value, str):
                raise UnitError(f"{name}={shorten(value)} has no unit; write text, or {full_name}=")
            values[full_name] = value
        return values

    @model_validator(mode="before")
    @classmethod
    def _split_climbing_rate(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("connect_rate"), str):
            return data
        try:
            start, end = parse_rate_range(data["connect_rate"])
        except UnitError as error:
            raise UnitError(f"{cls.OPTIONS['connect_rate']}: {error}") from None
        return {**data, "connect_rate": start} | ({"connect_rate_end": end} if end else {})

    @field_validator("processes")
    @classmethod
    def _not_more_than_connections(cls, processes: int, info: ValidationInfo) -> int:
        connections: int = info.data.get("connections", processes)
        return min(processes, connections)

    @model_validator(mode="after")
    def _check_connect_rate(self) -> Self:
        if self.connect_rate_end is not None and self.connect_rate is None:
            raise UnitError("connect_rate_end needs a connect_rate to climb from")
        if self.connect_span_ns > fields.LONGEST_NS:
            raise UnitError(
                f"{self.OPTIONS['connect_rate']} is too low: {self.connections:,} connections "
                f"would take {format_duration(self.connect_span_ns // S * S)}; write a higher rate"
            )
        return self


class EchoPlan(Plan):
    """Each connection sends marked messages, and the target sends each back to its sender."""

    kind: Literal["echo"] = "echo"
    rate: Annotated[Rate, *fields.rate(fields.MIN_RATE, fields.MAX_RATE)] | None = None
    duration_ns: Annotated[int, *fields.duration(10 * MS, fields.LONGEST_NS)] = 60 * S
    warmup_ns: Annotated[int, *fields.duration(0, DAY)] = 0
    drain_ns: Annotated[int, *fields.duration(0, HOUR)] = 5 * S
    tick_ns: Annotated[int, *fields.duration(10 * US, S)] = MS
    deadline_ns: Annotated[int, *fields.duration(10 * US, HOUR)] = 2 * S
    size_bytes: Annotated[int, *fields.size(MARKER_BYTES, _GIB)] = 64
    poisson: bool = False
    pingpong: bool = False
    seed: Annotated[int, *fields.count(0, 2**63 - 1)] = 1
    witness: Annotated[int, *fields.count(0, 1024)] = 64

    @model_validator(mode="after")
    def _resolve_ramp(self) -> Self:
        """Without a word on connecting: 10 s, or a millisecond for each connection if less."""
        if self.connect_rate is None:
            if self.ramp_ns is None:
                ramp_ns = min(_DEFAULT_RAMP_NS, self.connections * _DEFAULT_RAMP_PER_CONNECTION_NS)
                # The model is not out of the door yet, so this does not break its being frozen.
                object.__setattr__(self, "ramp_ns", ramp_ns)
        elif self.ramp_ns is not None:
            raise UnitError("--ramp and --connect-rate exclude each other; write one of them")
        return self

    @model_validator(mode="after")
    def _check_model(self) -> Self:
        if self.pingpong and self.rate is not None:
            raise UnitError(
                "--pingpong sends as fast as the answers come; leave out --rate or --pingpong"
            )
        if self.pingpong and self.poisson:
            raise UnitError("--poisson spaces a --rate; leave out --poisson or --pingpong")
        if not self.pingpong and self.rate is None:
            raise UnitError(
                "--rate is missing; write for example --rate 1/s, messages of each connection"
            )
        return self

    @model_validator(mode="after")
    def _check_amounts(self) -> Self:
        if self.size_bytes > self.max_message_bytes:
            raise UnitError(
                f"--size {format_size(self.size_bytes)} is larger than the largest message "
                f"taken, {format_size(self.max_message_bytes)}; write a smaller size"
            )
        if self.duration_ns < self.tick_ns:
            raise UnitError(
                f"--duration {format_duration(self.duration_ns)} is shorter than one --tick of "
                f"{format_duration(self.tick_ns)}; write a longer duration"
            )
        if self.rate is not None:
            self._check_total(self.rate)
        return self

    def _check_total(self, rate: Rate) -> None:
        total = Rate(rate.count * self.connections, rate.per_ns)
        most = fields.MAX_TOTAL_RATE
        if total.count * most.per_ns > most.count * total.per_ns:
            raise UnitError(
                f"--rate {format_rate(rate)} on {self.connections:,} connections is "
                f"{total.per_s:,.0f} messages a second; write a rate that gives {most.per_s:,.0f}"
                " or less"
            )
        if total.count * self.duration_ns < total.per_ns:
            raise UnitError(
                f"--rate {format_rate(rate)} sends nothing within --duration "
                f"{format_duration(self.duration_ns)}; write a higher rate or a longer duration"
            )


class ConnectPlan(Plan):
    """The connection benchmark: attempts at planned instants, held open for a while, no messages.

    ``connections`` is the number of attempts.
    """

    OPTIONS: ClassVar[dict[str, str]] = {
        "target": "URL",
        "connections": "--total",
        "connect_rate": "--rate",
    }

    kind: Literal["connect"] = "connect"
    hold_ns: Annotated[int, *fields.duration(0, fields.LONGEST_NS)] = 0

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        if self.ramp_ns is not None:
            raise UnitError("a connect run follows a rate; leave out the ramp")
        if self.connect_rate is None:
            raise UnitError("--rate is missing; write for example --rate 500/s")
        return self


def plan_from_dict(data: Mapping[str, Any]) -> EchoPlan | ConnectPlan:
    """Make the plan that ``to_dict`` gave, or one put together by field names.

    Raises UnitError for an unknown kind of run, pydantic's ValidationError for the rest.
    """
    match data.get("kind"):
        case "echo":
            return EchoPlan(**data)
        case "connect":
            return ConnectPlan(**data)
        case other:
            raise UnitError(f"{shorten(other)} is no kind of run; write 'echo' or 'connect'")
