"""What the embedded chat target is to do, and what it is to do wrong."""

from typing import Annotated, Any

from pydantic import model_validator

from surgewire.plan import fields
from surgewire.plan.fields import DAY, S
from surgewire.plan.target_config import TargetConfig
from surgewire.plan.units import PPM, UnitError, parse_share_rate

_FAULTS = ("drop", "duplicate", "reorder", "damage")
_Share = fields.share(0, PPM)


class ChatTargetConfig(TargetConfig):
    """Everything that decides what the chat target does. Frozen; it runs in one process.

    Shares are in millionths of the deliveries; ``drop="1%"`` is another way to write
    ``drop_ppm=10_000``. Each connection is cut with the chance of ``cut_ppm`` millionths in every
    ``cut_per_ns`` (``cut="1%/min"``); 0 cuts none. A member that has ``max_backlog_bytes`` waiting
    for it is cut as well. Raises pydantic's ValidationError.
    """

    drop_ppm: Annotated[int, *_Share] = 0
    duplicate_ppm: Annotated[int, *_Share] = 0
    reorder_ppm: Annotated[int, *_Share] = 0
    damage_ppm: Annotated[int, *_Share] = 0
    cut_ppm: Annotated[int, *_Share] = 0
    cut_per_ns: Annotated[int, *fields.duration(S, DAY)] = 60 * S
    max_backlog_bytes: Annotated[int, *fields.size(1 << 10, 1 << 30)] = 16 << 20

    @property
    def processes(self) -> int:
        """Rooms live in one process."""
        return 1

    @model_validator(mode="before")
    @classmethod
    def _take_short_names(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        values = dict(data)
        for name in _FAULTS:
            if name in values:
                values[f"{name}_ppm"] = values.pop(name)
        if "max_backlog" in values:
            values["max_backlog_bytes"] = values.pop("max_backlog")
        if "cut" in values:
            try:
                values["cut_ppm"], values["cut_per_ns"] = parse_share_rate(str(values.pop("cut")))
            except UnitError as error:
                raise UnitError(f"--cut: {error}") from None
        return values
