"""What the parts of a plan have in common: how their fields are named, and what stays secret."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

from surgewire.plan.secrets import HIDDEN, Secret, SecretTable, secrets_in
from surgewire.plan.units import UnitError, shorten

_UNITS = ("_ns", "_bytes", "_ppm")


class Part(BaseModel):
    """A model of which plans are made. Frozen; raises pydantic's ValidationError.

    Durations, sizes and shares are given exactly (``keepalive_ns=60_000_000_000``) or as people
    write them; then the unit at the end of a field's name may be left out (``keepalive="60s"``).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        validate_default=True,
        # The text of a ValidationError ends up in logs.
        hide_input_in_errors=True,
    )

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
        names = type(self).model_fields
        # Parts tell themselves what of them is public: some hold tables of a million rows.
        parts = {name for name in names if isinstance(getattr(self, name), Part)}
        values = self.model_dump(exclude=parts)
        return {name: self._public(name, values.get(name)) for name in names}

    def _public(self, name: str, value: Any) -> Any:
        held = getattr(self, name)
        if isinstance(held, Part):
            return held.public_dict()
        return HIDDEN if name in self.SECRET and held else value

    def secret_values(self) -> Iterator[Secret]:
        """Give what must appear nowhere, for a Redactor."""
        for name in type(self).model_fields:
            held = getattr(self, name)
            if isinstance(held, Part):
                yield from held.secret_values()
            elif name in self.SECRET or isinstance(held, SecretTable):
                yield from secrets_in(held)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        """Show what may be shown, for tracebacks and logs."""
        yield from self.public_dict().items()

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
