"""How we close connections."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from surgewire.plan import fields
from surgewire.plan.fields import MS, S
from surgewire.plan.units import UnitError, shorten
from surgewire.plan.way.part import Part

MAX_REASON_BYTES = 123
"""What a control frame holds behind the code (RFC 6455 section 5.5)."""

NORMAL_CLOSURE = 1000

_LONGEST_NS = 60 * S
_NEVER_SENT = "1004, 1005, 1006 and 1015 never travel"


def _code(code: int) -> int:
    # RFC 6455 sections 7.4.1 and 7.4.2, with the codes registered since.
    if 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999:
        return code
    raise UnitError(
        f"{code} is no code that a close frame may carry ({_NEVER_SENT}); write 1000 to 1003, 1007 "
        "to 1014 or 3000 to 4999"
    )


def _reason(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        length = len(value.encode())
    except UnicodeEncodeError:
        raise UnitError(f"{shorten(value)} is no text that UTF-8 can carry") from None
    if length > MAX_REASON_BYTES:
        raise UnitError(
            f"{shorten(value)} has {length} bytes; a close frame carries {MAX_REASON_BYTES} at "
            "most: write a shorter one"
        )
    return value


class ClosingPart(Part):
    """How we close connections: code and reason of the close frame, and how long we wait.

    `reset` ends them by a TCP reset instead of a closing handshake.
    """

    OPTIONS: ClassVar[dict[str, str]] = {
        "code": "--close-code",
        "reason": "--close-reason",
        "timeout_ns": "--close-timeout",
        "reset": "--close-reset",
    }

    code: Annotated[int, *fields.count(0, 65535), AfterValidator(_code)] | None = None
    reason: Annotated[str, BeforeValidator(_reason)] = ""
    timeout_ns: Annotated[int, *fields.duration(10 * MS, _LONGEST_NS)] | None = None
    reset: bool = False

    @property
    def code_sent(self) -> int:
        """The code of our close frames."""
        return NORMAL_CLOSURE if self.code is None else self.code

    @property
    def reason_sent(self) -> bytes:
        """The reason of our close frames."""
        return self.reason.encode()

    @property
    def waits_ns(self) -> int:
        """How long the peer's answer is awaited, in nanoseconds."""
        return 2 * S if self.timeout_ns is None else self.timeout_ns

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.reset and (self.code is not None or self.reason or self.timeout_ns is not None):
            raise UnitError(
                "--close-reset ends connections without a handshake; leave out --close-code, "
                "--close-reason and --close-timeout, or --close-reset"
            )
        return self
