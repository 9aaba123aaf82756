"""Flags of ``serve`` to the configuration of a target."""

from typing import Any, TypeVar

from pydantic import ValidationError

from surgewire.errors import UsageError
from surgewire.plan.chat_target import ChatTargetConfig
from surgewire.plan.delay import Delay, parse_delay
from surgewire.plan.describe import describe_error
from surgewire.plan.echo_target import EchoTargetConfig
from surgewire.plan.target_config import TargetConfig
from surgewire.plan.units import UnitError, parse_duration

_Config = TypeVar("_Config", bound=TargetConfig)


def make_echo_target(delay: str | None, distribution: str | None, **flags: Any) -> EchoTargetConfig:
    """Make the configuration of flags; None is a flag that was not given.

    Raises UsageError with one line that names the flag, what is wrong and what to write.
    """
    return _make(EchoTargetConfig, delay, distribution, flags)


def make_chat_target(delay: str | None, distribution: str | None, **flags: Any) -> ChatTargetConfig:
    """Make the configuration of flags; None is a flag that was not given.

    Raises UsageError with one line that names the flag, what is wrong and what to write.
    """
    return _make(ChatTargetConfig, delay, distribution, flags)


def _make(
    model: type[_Config], delay: str | None, distribution: str | None, flags: dict[str, Any]
) -> _Config:
    given = {name: value for name, value in flags.items() if value is not None}
    if delay is not None and distribution is not None:
        raise UsageError("--delay and --delay-distribution exclude each other; write one of them")
    if delay is not None:
        given["delay"] = _read_delay("--delay", delay)
    if distribution is not None:
        given["delay"] = _read_delay("--delay-distribution", distribution)
    try:
        return model(**given)
    except ValidationError as error:
        raise UsageError(describe_error(error)) from None


def _read_delay(option: str, text: str) -> Delay:
    try:
        if option == "--delay":
            parse_duration(text)
        return parse_delay(text)
    except UnitError as error:
        raise UsageError(f"{option}: {error}") from None
