"""Flags of ``serve`` to the configuration of a target."""

from typing import Any

from pydantic import ValidationError

from surgewire.errors import UsageError
from surgewire.plan.describe import describe_error
from surgewire.plan.echo_target import Delay, EchoTargetConfig, parse_delay
from surgewire.plan.units import UnitError, parse_duration


def make_echo_target(delay: str | None, distribution: str | None, **flags: Any) -> EchoTargetConfig:
    """Make the configuration of flags; None is a flag that was not given.

    Raises UsageError with one line that names the flag, what is wrong and what to write.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    if delay is not None and distribution is not None:
        raise UsageError("--delay and --delay-distribution exclude each other; write one of them")
    if delay is not None:
        given["delay"] = _read_delay("--delay", delay)
    if distribution is not None:
        given["delay"] = _read_delay("--delay-distribution", distribution)
    try:
        return EchoTargetConfig(**given)
    except ValidationError as error:
        raise UsageError(describe_error(error)) from None


def _read_delay(option: str, text: str) -> Delay:
    try:
        if option == "--delay":
            parse_duration(text)
        return parse_delay(text)
    except UnitError as error:
        raise UsageError(f"{option}: {error}") from None
