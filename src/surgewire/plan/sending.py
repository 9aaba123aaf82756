"""What the plans of runs that send messages share: how many, when, and what counts as late."""

from typing import Annotated, Self

from pydantic import model_validator

from surgewire.plan import fields
from surgewire.plan.base import Plan
from surgewire.plan.fields import DAY, HOUR, MS, US, S
from surgewire.plan.units import Rate, UnitError, format_duration, format_rate

MARKER_BYTES = 52
"""Length of a marker, the least that a message must hold; ``surgewire._core.marker.LENGTH``."""

_DEFAULT_RAMP_NS = 10 * S
_DEFAULT_RAMP_PER_CONNECTION_NS = MS


class SendingPlan(Plan):
    """A run whose users send marked messages. ``rate`` is that of one user."""

    rate: Annotated[Rate, *fields.rate(fields.MIN_RATE, fields.MAX_RATE)] | None = None
    duration_ns: Annotated[int, *fields.duration(10 * MS, fields.LONGEST_NS)] = 60 * S
    warmup_ns: Annotated[int, *fields.duration(0, DAY)] = 0
    drain_ns: Annotated[int, *fields.duration(0, HOUR)] = 5 * S
    tick_ns: Annotated[int, *fields.duration(10 * US, S)] = MS
    deadline_ns: Annotated[int, *fields.duration(10 * US, HOUR)] = 2 * S
    poisson: bool = False
    seed: Annotated[int, *fields.count(0, 2**63 - 1)] = 1
    witness: Annotated[int, *fields.count(0, 1024)] = 64

    @property
    def senders(self) -> int:
        """How many users send."""
        return self.connections

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
    def _check_duration(self) -> Self:
        if self.duration_ns < self.tick_ns:
            raise UnitError(
                f"--duration {format_duration(self.duration_ns)} is shorter than one --tick of "
                f"{format_duration(self.tick_ns)}; write a longer duration"
            )
        return self

    def _check_total(self, rate: Rate) -> None:
        """Refuse a rate of one user that gives too much or nothing over all of them."""
        total = Rate(rate.count * self.senders, rate.per_ns)
        most = fields.MAX_TOTAL_RATE
        if total.count * most.per_ns > most.count * total.per_ns:
            raise UnitError(
                f"--rate {format_rate(rate)} on {self.senders:,} connections is "
                f"{total.per_s:,.0f} messages a second; write a rate that gives {most.per_s:,.0f}"
                " or less"
            )
        if total.count * self.duration_ns < total.per_ns:
            raise UnitError(
                f"--rate {format_rate(rate)} sends nothing within --duration "
                f"{format_duration(self.duration_ns)}; write a higher rate or a longer duration"
            )
