"""The plans of runs: everything that decides what happens, checked before anything does."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import model_validator

from surgewire.plan import fields
from surgewire.plan.base import Plan, default_processes
from surgewire.plan.chat import ChatPlan
from surgewire.plan.connect import ConnectPlan
from surgewire.plan.sending import MARKER_BYTES, SendingPlan
from surgewire.plan.units import UnitError, format_size, shorten

__all__ = [
    "MARKER_BYTES",
    "ChatPlan",
    "ConnectPlan",
    "EchoPlan",
    "Plan",
    "SendingPlan",
    "default_processes",
    "plan_from_dict",
]

_GIB = 1 << 30


class EchoPlan(SendingPlan):
    """Each connection sends marked messages, and the target sends each back to its sender."""

    kind: Literal["echo"] = "echo"
    size_bytes: Annotated[int, *fields.size(MARKER_BYTES, _GIB)] = 64
    pingpong: bool = False

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
        if self.rate is not None:
            self._check_total(self.rate)
        return self


def plan_from_dict(data: Mapping[str, Any]) -> Plan:
    """Make the plan that ``to_dict`` gave, or one put together by field names.

    Raises UnitError for an unknown kind of run, pydantic's ValidationError for the rest.
    """
    match data.get("kind"):
        case "echo":
            return EchoPlan(**data)
        case "connect":
            return ConnectPlan(**data)
        case "chat":
            return ChatPlan(**data)
        case other:
            raise UnitError(
                f"{shorten(other)} is no kind of run; write 'echo', 'chat' or 'connect'"
            )
