import pytest

from surgewire.cli.target_config import make_echo_target
from surgewire.errors import UsageError
from surgewire.plan.delay import parse_delay
from surgewire.plan.echo_target import EchoTargetConfig


def test_flags_that_were_not_given_leave_the_defaults() -> None:
    assert make_echo_target(None, None, host=None, port=None, stall=None) == EchoTargetConfig()


def test_both_ways_to_delay() -> None:
    assert make_echo_target("2ms", None).delay == parse_delay("fixed:2ms")
    assert make_echo_target(None, "exponential:2ms").delay == parse_delay("exponential:2ms")
    with pytest.raises(UsageError, match=r"^--delay: 'exponential:2ms' is not a duration"):
        make_echo_target("exponential:2ms", None)
