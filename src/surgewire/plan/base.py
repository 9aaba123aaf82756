"""What the plan of every run has: where to, how many, how fast to connect, what to watch."""

import os
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from surgewire.plan import fields
from surgewire.plan.abort import AbortRules
from surgewire.plan.behaviour import BehavioursField, check_behaviours
from surgewire.plan.fields import HOUR, MS, S
from surgewire.plan.secrets import Secret, SecretNames, redact_url, secrets_in_url
from surgewire.plan.units import (
    Rate,
    UnitError,
    format_duration,
    parse_rate_range,
)
from surgewire.plan.way import checks, route_checks
from surgewire.plan.way.closing import ClosingPart
from surgewire.plan.way.deflate import DeflatePart
from surgewire.plan.way.part import Part
from surgewire.plan.way.request import MAX_HOPS, RequestPart
from surgewire.plan.way.route import RoutePart
from surgewire.plan.way.sockets import SocketPart
from surgewire.plan.way.tls import TlsPart

_KIB = 1 << 10
_GIB = 1 << 30
_DEFAULT_PING_TIMEOUT_NS = 20 * S

_ConnectRate = fields.rate(fields.MIN_RATE, fields.MAX_CONNECT_RATE)


def default_processes() -> int:
    """One for each core that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Plan(Part):
    """What every run has. Frozen; raises pydantic's ValidationError for what makes no sense.

    Durations, sizes and rates are given exactly (``duration_ns=60_000_000_000``, ``Rate(1, …)``)
    or as people write them; then the unit at the end of a field's name may be left out
    (``duration="60s"``). ``url="ws://…"`` is another way to give the target.
    """

    OPTIONS: ClassVar[dict[str, str]] = {"target": "URL", "connect_rate": "--connect-rate"}
    """How the command line spells a field, where the name alone does not say it."""

    SYNONYMS: ClassVar[dict[str, str]] = {"url": "target"}

    URL_SLOTS: ClassVar[tuple[str, ...]] = ()
    """Names of the slots that may stand in path and query of the target."""

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
    tls_timeout_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] | None = None
    upgrade_timeout_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] | None = None
    max_message_bytes: Annotated[int, *fields.size(_KIB, _GIB)] = 16 * _KIB * _KIB
    ping_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] | None = None
    ping_timeout_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] | None = None
    target_pid: Annotated[int, *fields.count(1, 2**31 - 1)] | None = None
    behave: BehavioursField = ()

    abort_on: AbortRules = ()
    secret: SecretNames = ()

    tls: TlsPart = TlsPart()
    request: RequestPart = RequestPart()
    route: RoutePart = RoutePart()
    sockets: SocketPart = SocketPart()
    closing: ClosingPart = ClosingPart()
    deflate: DeflatePart = DeflatePart()

    def _public(self, name: str, value: Any) -> Any:
        if name == "target":
            return redact_url(self.target.url, self.secret)
        return super()._public(name, value)

    def secret_values(self) -> Iterator[Secret]:
        """Give what must appear nowhere, for a Redactor."""
        yield from super().secret_values()
        yield from secrets_in_url(self.target.full_url, self.secret)

    @property
    def phase_timeouts_ns(self) -> tuple[int, int, int]:
        """How long an attempt may take until the peer is reached, for TLS, and for the upgrade."""
        return (
            self.connect_timeout_ns,
            self.tls_timeout_ns or self.connect_timeout_ns,
            self.upgrade_timeout_ns or self.connect_timeout_ns,
        )

    @property
    def attempt_timeout_ns(self) -> int:
        """How long an attempt may take in all."""
        reach_ns, tls_ns, upgrade_ns = self.phase_timeouts_ns
        if self.request.follow:
            # Each address on the way has the time of an attempt, and any may be one of wss.
            return (1 + MAX_HOPS) * (reach_ns + tls_ns + upgrade_ns)
        return reach_ns + (tls_ns if self.target.secure else 0) + upgrade_ns

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

    @model_validator(mode="after")
    def _check_route(self) -> Self:
        route_checks.check_timeouts(self)
        route_checks.check_route(self)
        return self

    @property
    def own_slots(self) -> set[str]:
        """Names of the slots that are filled for each user outside of the opening handshake."""
        return set()

    @model_validator(mode="after")
    def _check_request(self) -> Self:
        checks.check_request(
            self.request,
            self.target,
            url_slots=self.URL_SLOTS,
            connections=self.connections,
            total_option=self.OPTIONS.get("connections", "--connections"),
            others=self.own_slots,
        )
        return self

    @model_validator(mode="after")
    def _check_behaviours(self) -> Self:
        check_behaviours(self.behave, self.connections, sends=self.kind != "connect")
        return self

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        checks.check_tls(self.tls, self.target, follow=self.request.follow)
        return self

    @model_validator(mode="after")
    def _resolve_ping_timeout(self) -> Self:
        """Without a word on it, a pong is awaited until the next ping, at most 20 s."""
        if self.ping_ns is None:
            if self.ping_timeout_ns is not None:
                raise UnitError("--ping-timeout needs --ping; write for example --ping 20s")
        elif self.ping_timeout_ns is None:
            # The model is not out of the door yet, so this does not break its being frozen.
            timeout_ns = min(self.ping_ns, _DEFAULT_PING_TIMEOUT_NS)
            object.__setattr__(self, "ping_timeout_ns", timeout_ns)
        elif self.ping_timeout_ns > self.ping_ns:
            raise UnitError(
                f"--ping-timeout {format_duration(self.ping_timeout_ns)} is longer than --ping "
                f"{format_duration(self.ping_ns)}: one ping is on its way at a time; write a "
                "shorter timeout or a longer --ping"
            )
        return self
