"""Whether messages are compressed, and what is offered for that (RFC 7692)."""

from typing import Annotated, ClassVar, NamedTuple, Self

from pydantic import field_validator, model_validator

from surgewire.plan import fields
from surgewire.plan.units import UnitError, shorten
from surgewire.plan.way.part import Part

_EXTENSION = "permessage-deflate"
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
# RFC 7692 section 7.1.2; zlib compresses with 9 bits at least.
_LEAST_BITS = {"server_max_window_bits": 8, "client_max_window_bits": 9}
_MOST_BITS = 15
_DEFAULT_LEVEL = 6
# zlib's state beside the windows: zconf.h, with the memory level that the core uses.
_COMPRESSOR_BYTES = 22 << 10
_DECOMPRESSOR_BYTES = 8 << 10


class DeflateParameters(NamedTuple):
    """The parameters of an offer (RFC 7692 section 7.1).

    `client_max_window_bits` is True where the server may choose.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | bool | None = None


def parse_offer(text: str) -> DeflateParameters:
    """Read parameters as they stand in the header, separated by semicolons.

    Raises UnitError, naming what is wrong and what can be written.
    """
    values: dict[str, int | bool] = {}
    for place, item in enumerate(text.split(";")):
        name, equals, value = (part.strip() for part in item.partition("="))
        if name == _EXTENSION and not equals and place == 0:
            continue
        if name in values:
            raise UnitError(f"{name} is given twice")
        values[name] = _read(name, value if equals else None)
    return DeflateParameters(**values)  # type: ignore[arg-type]


def _read(name: str, value: str | None) -> int | bool:
    if name in _FLAGS:
        if value is not None:
            raise UnitError(f"{name} takes no value; write it alone")
        return True
    least = _LEAST_BITS.get(name)
    if least is None:
        raise UnitError(
            f"{shorten(name)} is no parameter of {_EXTENSION}; use "
            f"{', '.join((*_FLAGS, *_LEAST_BITS))}, with ';' between"
        )
    if value is None and name == "client_max_window_bits":
        return True
    bits = (value or "").strip('"')
    if not (bits.isascii() and bits.isdigit() and least <= int(bits) <= _MOST_BITS):
        raise UnitError(f"{name} is {least} to {_MOST_BITS}; write for example {name}=12")
    return int(bits)


class DeflatePart(Part):
    """Whether messages are compressed, and what is offered for that."""

    OPTIONS: ClassVar[dict[str, str]] = {
        "offered": "--deflate",
        "offer": "--deflate-offer",
        "level": "--deflate-level",
    }

    offered: bool = False
    offer: str | None = None
    level: Annotated[int, *fields.count(1, 9)] | None = None

    @field_validator("offer")
    @classmethod
    def _check_offer(cls, offer: str | None) -> str | None:
        if offer is not None:
            parse_offer(offer)
        return offer

    @model_validator(mode="after")
    def _check_use(self) -> Self:
        if self.level is not None and not self.is_offered:
            raise UnitError("--deflate-level needs --deflate; write both")
        return self

    @property
    def is_offered(self) -> bool:
        """Whether compression is offered to the server."""
        return self.offered or self.offer is not None

    @property
    def parameters(self) -> DeflateParameters:
        """The parameters to offer; without a word on them, what browsers do."""
        if self.offer is None:
            return DeflateParameters(client_max_window_bits=True)
        return parse_offer(self.offer)

    @property
    def stream_bytes(self) -> int:
        """About what the streams of one connection take at most, where the server agrees to all."""
        if not self.is_offered:
            return 0
        offer = self.parameters
        sends = offer.client_max_window_bits
        sends_bits = sends if sends and sends is not True else _MOST_BITS
        sends_bytes = (4 << sends_bits) + _COMPRESSOR_BYTES
        receives_bytes = (1 << (offer.server_max_window_bits or _MOST_BITS)) + _DECOMPRESSOR_BYTES
        return (0 if offer.client_no_context_takeover else sends_bytes) + (
            0 if offer.server_no_context_takeover else receives_bytes
        )

    @property
    def effort(self) -> int:
        """How hard to compress what we send, 1 to 9."""
        return self.level or _DEFAULT_LEVEL
