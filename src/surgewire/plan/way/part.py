"""What the parts of a plan have in common: how their fields are named, and what stays secret."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from surgewire.plan.units import UnitError, shorten

HIDDEN = "***"
"""Stands for a secret wherever a plan is written down."""

_UNITS = ("_ns", "_bytes", "_ppm")


class Part(BaseModel):
    """A model of which plans are made. Frozen; raises pydantic's ValidationError.

    Durations, sizes and shares are given exactly (``keepalive_ns=60_000_000_000``) or as people
    write them; then the unit at the end of a field's name may be left out (``keepalive="60s"``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    OPTIONS: ClassVar[dict[str, str]] = {}
    """How the command line spells a field, where the name alone does not say it."""

    SECRET: ClassVar[frozenset[str]] = frozenset()
    """Fields whose values are never written down."""

    SYNONYMS: ClassVar[dict[str, str]] = {}
    """Other names under which fields are given, as text."""

    if TYPE_CHECKING:
        # Fields take more types than they hold; see the class docstring.
        def __init__(self, **values: Any) -> None: ...

    def to_dict(self) -> dict[str, Any]:
        """Give everything as types of JSON and msgpack, secrets included."""
        return self.model_dump()

    def public_dict(self) -> dict[str, Any]:
        """Give what may be written down: as ``to_dict``, secrets hidden."""
        return {name: self._public(name, value) for name, value in self.to_dict().items()}

    def _public(self, name: str, value: Any) -> Any:
        held = getattr(self, name)
        if isinstance(held, Part):
            return held.public_dict()
        return HIDDEN if name in self.SECRET and held else value

    @model_validator(mode="before")
    @classmethod
    def _take_names_without_unit(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        full_names = dict(cls.SYNONYMS)
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
