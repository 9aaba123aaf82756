"""What the embedded targets share: where they listen, how they delay, when they stall."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from surgewire.plan import fields
from surgewire.plan.delay import Delay, parse_delay, parse_stall
from surgewire.plan.fields import HOUR
from surgewire.plan.units import UnitError, shorten


def _to_delay(value: Any) -> Any:
    return parse_delay(value) if isinstance(value, str) else value


class TargetConfig(BaseModel):
    """Everything that decides what a target does. Frozen.

    ``port`` 0 takes a free one. ``stall_ns`` of silence begin every ``stall_every_ns``; both are
    0 without stalls. ``truth`` is the file for the record of what was done, None for none.
    Raises pydantic's ValidationError.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    host: str = "127.0.0.1"
    port: Annotated[int, *fields.count(0, 65_535)] = 8765
    delay: Annotated[Delay, BeforeValidator(_to_delay)] = Delay()
    stall_ns: Annotated[int, *fields.duration(0, HOUR)] = 0
    stall_every_ns: Annotated[int, *fields.duration(0, HOUR)] = 0
    truth: Path | None = None
    max_message_bytes: Annotated[int, *fields.size(1 << 10, 1 << 30)] = 16 << 20
    seed: Annotated[int, *fields.count(0, 2**63 - 1)] = 1

    if TYPE_CHECKING:
        # Fields take more types than they hold: text with a unit for numbers.
        def __init__(self, **values: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _split_stall(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "stall" not in data:
            return data
        try:
            stall_ns, every_ns = parse_stall(str(data["stall"]))
        except UnitError as error:
            raise UnitError(f"--stall: {error}") from None
        rest = {name: value for name, value in data.items() if name != "stall"}
        return {**rest, "stall_ns": stall_ns, "stall_every_ns": every_ns}

    @model_validator(mode="after")
    def _check_place_and_stall(self) -> Self:
        if not self.host or any(c.isspace() or not c.isprintable() for c in self.host):
            raise UnitError(f"--host: {shorten(self.host)} is no address; write 127.0.0.1 or ::1")
        if bool(self.stall_ns) != bool(self.stall_every_ns) or (
            self.stall_ns and self.stall_ns >= self.stall_every_ns
        ):
            raise UnitError("--stall must be shorter than its period; write for example 1s/10s")
        return self
