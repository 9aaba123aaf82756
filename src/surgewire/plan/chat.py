"""The plan of a chat run: users in rooms, and messages that the target hands to all of a room."""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ValidationInfo, field_validator, model_validator

from surgewire.plan import fields
from surgewire.plan.coming_back import PauseField, check_reconnect, parse_reconnect
from surgewire.plan.fields import DAY, HOUR, MS, S
from surgewire.plan.rooms import RoomLayout
from surgewire.plan.secrets import Secret, named_secrets, redact_text
from surgewire.plan.sending import MARKER_BYTES, SendingPlan
from surgewire.plan.sizes import SizesField
from surgewire.plan.template import SLOTS, Part, TemplateError, parse_template, slots_of
from surgewire.plan.units import (
    PPM,
    Rate,
    UnitError,
    format_size,
    parse_share_rate,
    shorten,
)
from surgewire.plan.way import checks
from surgewire.plan.way.request import RequestPart

MAX_ROOMS = 100_000

_JOIN_SLOTS = ("room", "user", "now_ms", "random")
_TEXTS = ("send", "joined")
"""Fields that may have a secret in them, by its name."""
_MARKER_START = "SWX"
_DIGITS_OF_NOW_MS = 13
_DEFAULT_JOIN_TIMEOUT_NS = 10 * S


class ChatPlan(SendingPlan):
    """Users in rooms; the target hands each message to all who are in the room of its sender.

    ``reconnect="1s..30s"`` and ``churn="5%/min"`` are other ways to give the two fields that they
    are made of; ``senders="10%"`` gives ``senders_ppm``.
    """

    OPTIONS: ClassVar[dict[str, str]] = SendingPlan.OPTIONS | {
        "reconnect_min_ns": "--reconnect",
        "reconnect_max_ns": "--reconnect",
        "churn_per_ns": "--churn",
    }
    SECRET: ClassVar[frozenset[str]] = frozenset({"join"})
    """Where no token is in the URL, it goes with the join message."""

    URL_SLOTS: ClassVar[tuple[str, ...]] = ("room", "user")

    kind: Literal["chat"] = "chat"
    rate: Annotated[Rate, *fields.rate(fields.MIN_RATE, fields.MAX_RATE)]
    rooms: Annotated[int, *fields.count(1, MAX_ROOMS)] = 1
    join: str | None = None
    joined: str | None = None
    join_timeout_ns: Annotated[int, *fields.duration(10 * MS, HOUR)] | None = None
    send: str = "{{marker}}{{padding}}"
    to: Literal["room", "others"] = "room"
    senders_ppm: Annotated[int, *fields.share(1, PPM)] = PPM
    binary: bool = False
    size: SizesField | None = None
    reconnect_min_ns: PauseField | None = None
    reconnect_max_ns: PauseField | None = None
    churn_ppm: Annotated[int, *fields.share(1, PPM)] | None = None
    churn_per_ns: Annotated[int, *fields.duration(S, DAY)] | None = None
    send_during_ramp: bool = False
    trace: str | None = None

    def _public(self, name: str, value: Any) -> Any:
        if name in _TEXTS and value is not None:
            return redact_text(value, self.secret)
        return super()._public(name, value)

    def secret_values(self) -> Iterator[Secret]:
        """Give what must appear nowhere, for a Redactor."""
        yield from super().secret_values()
        for text in (self.send, self.joined or ""):
            yield from named_secrets(text, self.secret)

    @cached_property
    def layout(self) -> RoomLayout:
        """Who is in which room, and who speaks there."""
        return RoomLayout(self.connections, self.rooms, self.processes, self.senders_ppm)

    @property
    def senders(self) -> int:
        """How many users speak: ``senders_ppm`` of all, at least one in each room."""
        return self.layout.senders

    @cached_property
    def message_parts(self) -> tuple[Part, ...]:
        """The parts of the template of every message; with a place for filler if it has a size."""
        parts = parse_template(self.send, allowed=(*SLOTS, *self.request.columns))
        if self.size is None or "padding" in slots_of(parts):
            return parts
        behind = parts.index(("marker",)) + 1
        return (*parts[:behind], ("padding",), *parts[behind:])

    @cached_property
    def join_parts(self) -> tuple[Part, ...] | None:
        """The parts of the template of the message that asks to join; None without one."""
        if self.join is None:
            return None
        return parse_template(self.join, allowed=(*_JOIN_SLOTS, *self.request.columns))

    @property
    def own_slots(self) -> set[str]:
        """Names of the slots in what users send."""
        return slots_of(self.join_parts or ()) | slots_of(self.message_parts)

    @cached_property
    def join_matcher(self) -> bytes | Callable[[bytes], bool] | None:
        """What in a frame confirms a join: its text, or a function that says so; None: nothing."""
        if self.joined is None:
            return None
        if (expression := _expression(self.joined)) is None:
            return self.joined.encode()
        search = re.compile(expression.encode()).search
        return lambda payload: search(payload) is not None

    @model_validator(mode="before")
    @classmethod
    def _split_pairs(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        for name, fields_of_it, parse in (
            ("reconnect", ("reconnect_min_ns", "reconnect_max_ns"), parse_reconnect),
            ("churn", ("churn_ppm", "churn_per_ns"), parse_share_rate),
        ):
            if values.get(name, "") is None:
                del values[name]
            if not isinstance(values.get(name), str):
                continue
            try:
                pair = parse(values.pop(name))
            except UnitError as error:
                raise UnitError(f"--{name}: {error}") from None
            values.update(zip(fields_of_it, pair, strict=True))
        return values

    @field_validator("send")
    @classmethod
    def _check_send(cls, send: str, info: ValidationInfo) -> str:
        parts = parse_template(send, allowed=(*SLOTS, *_columns(info)))
        if "marker" not in slots_of(parts):
            raise TemplateError(
                "has no {{marker}}: without it no delivery could be recognised; write for example "
                """'{"room":"{{room}}","text":"{{marker}} hello"}'"""
            )
        for part in parts:
            if isinstance(part, bytes) and (
                f"{_MARKER_START}1".encode() in part or part.endswith(_MARKER_START.encode())
            ):
                raise TemplateError(
                    f"contains {_MARKER_START}1, with which markers begin, so that every message "
                    "would pass for a damaged one; write something else"
                )
        return send

    @field_validator("join")
    @classmethod
    def _check_join(cls, join: str | None, info: ValidationInfo) -> str | None:
        if join is not None:
            parse_template(join, allowed=(*_JOIN_SLOTS, *_columns(info)))
            if not join:
                raise TemplateError("is empty; write the message that asks to join, or none")
        return join

    @field_validator("joined")
    @classmethod
    def _check_joined(cls, joined: str | None) -> str | None:
        if joined is None:
            return None
        expression = _expression(joined)
        if not joined or expression == "":
            raise UnitError("is empty; write a text that the confirmation contains, or /regex/")
        if "{{" in joined:
            raise UnitError(
                f"{shorten(joined)} has a slot, but is the same for all users; write the part of "
                "the confirmation that does not vary, or /regex/"
            )
        try:
            joined.encode()
        except UnicodeEncodeError:
            raise UnitError(f"{shorten(joined)} is not UTF-8; write text that is") from None
        if expression is not None:
            try:
                re.compile(expression.encode())
            except (re.error, OverflowError) as error:
                raise UnitError(
                    f"{shorten(joined)} is no regular expression of Python: {error}"
                ) from None
        return joined

    @model_validator(mode="after")
    def _check_rooms(self) -> Self:
        if self.rooms > self.connections:
            raise UnitError(
                f"--rooms {self.rooms:,} are more than the {self.connections:,} connections; write "
                f"--rooms {self.connections:,} or fewer"
            )
        if self.to == "others" and self.layout.smallest < 2:
            most = self.connections // 2
            advice = f"--rooms {most:,} or fewer" if most else "--connections 2 or more"
            raise UnitError(
                f"--to others: with --rooms {self.rooms:,} there are rooms of one member, whom "
                f"nobody hears; write {advice}"
            )
        return self

    @model_validator(mode="after")
    def _check_pairs(self) -> Self:
        if self.joined is not None and self.join is None:
            raise UnitError(
                "--joined is the answer to --join, which is missing; add --join, or leave out "
                "--joined where the URL names the room"
            )
        if self.joined is None and self.join_timeout_ns is not None:
            raise UnitError(
                "--join-timeout is how long the answer that --joined describes is awaited; add "
                "--joined, or leave out --join-timeout"
            )
        if self.joined is not None and self.join_timeout_ns is None:
            # The model is not out of the door yet, so this does not break its being frozen.
            object.__setattr__(self, "join_timeout_ns", _DEFAULT_JOIN_TIMEOUT_NS)
        if (self.churn_ppm is None) != (self.churn_per_ns is None):
            raise UnitError("churn_ppm and churn_per_ns belong together; write churn='5%/min'")
        check_reconnect(self.reconnect_min_ns, self.reconnect_max_ns)
        return self

    @model_validator(mode="after")
    def _check_amounts(self) -> Self:
        self._check_total(self.rate)
        largest = needed = self._needed_bytes()
        if self.size is not None:
            largest = max(largest, self.size.most_bytes)
            if self.size.least_bytes < needed:
                raise UnitError(
                    f"--size {self.size} is too small: the message without filler has up to "
                    f"{needed} bytes, {MARKER_BYTES} of them the marker; write sizes of {needed} "
                    "or more"
                )
        if largest > self.max_message_bytes:
            raise UnitError(
                f"messages of {format_size(largest)} are larger than the largest message taken, "
                f"{format_size(self.max_message_bytes)}; write a smaller --size or --send"
            )
        return self

    @model_validator(mode="after")
    def _check_columns(self) -> Self:
        columns = slots_of(self.message_parts) & set(self.request.columns)
        checks.check_messages(self.request, columns, _MARKER_START)
        return self

    def _needed_bytes(self) -> int:
        """Bytes of the largest message without its filler."""
        mean = self.rate.count * (self.warmup_ns + self.duration_ns) // self.rate.per_ns + 1
        # Random gaps may bring more messages than the mean; ten standard deviations more they
        # do not.
        most = mean + (10 * math.isqrt(mean) + 10 if self.poisson else 0)
        digits = {
            "room": len(str(self.rooms - 1)),
            "user": len(str(self.connections - 1)),
            "seq": len(str(most)),
            "now_ms": _DIGITS_OF_NOW_MS,
            "marker": MARKER_BYTES,
            "padding": 0,
        }
        users = self.request.users
        if users is not None:
            for column in slots_of(self.message_parts) & set(users.columns):
                digits[column] = users.longest_bytes(column)
        return sum(
            len(part) if isinstance(part, bytes) else part[1] if len(part) == 2 else digits[part[0]]
            for part in self.message_parts
        )


def _columns(info: ValidationInfo) -> tuple[str, ...]:
    """Return the names of the columns of a plan's users, each a slot; none if those are unsound."""
    request = info.data.get("request")
    return request.columns if isinstance(request, RequestPart) else ()


def _expression(joined: str) -> str | None:
    """Return what stands between the slashes of ``/regex/``; None where it is plain text."""
    if len(joined) >= 2 and joined[0] == joined[-1] == "/":
        return joined[1:-1]
    return None
