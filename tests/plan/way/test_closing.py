import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import EchoPlan
from surgewire.plan.way.closing import ClosingPart


def plan_of(**closing: object) -> EchoPlan:
    return EchoPlan(url="ws://127.0.0.1:1/", connections=1, rate="1/s", closing=closing)


def test_without_a_word_connections_close_normally() -> None:
    part = ClosingPart()
    assert (part.code_sent, part.reason_sent, part.waits_ns) == (1000, b"", 2_000_000_000)
    assert not part.reset


def test_what_is_asked_for_is_sent() -> None:
    part = plan_of(code="3000", reason="grüße", timeout="500ms").closing
    assert (part.code_sent, part.reason_sent) == (3000, "grüße".encode())
    assert part.waits_ns == 500_000_000


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1014, 3000, 4999])
def test_codes_that_may_be_sent(code: int) -> None:
    assert ClosingPart(code=code).code_sent == code


@pytest.mark.parametrize("code", ["0", "999", "1004", "1005", "1006", "1015", "2999", "5000"])
def test_codes_that_never_travel(code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan_of(code=code)
    told = describe_error(caught.value)
    assert told.startswith(f"--close-code: {code} is no code that a close frame may carry")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"code": "bye"}, "--close-code: 'bye' is not a whole number"),
        ({"reason": "x" * 124}, "has 124 bytes; a close frame carries 123 at most"),
        ({"reason": "\ud800"}, "is no text that UTF-8 can carry"),
        ({"timeout": "2"}, "--close-timeout: '2' has no unit"),
        ({"timeout": "2m"}, "--close-timeout: 2m is too large"),
        ({"reset": True, "code": "1001"}, "--close-reset ends connections without a handshake"),
        ({"reset": True, "timeout": "1s"}, "--close-reset ends connections without a handshake"),
    ],
)
def test_one_line_says_what_is_wrong(values: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan_of(**values)
    assert told in describe_error(caught.value)
    assert "\n" not in describe_error(caught.value)


def test_a_reason_may_fill_the_frame() -> None:
    assert len(ClosingPart(reason="x" * 123).reason_sent) == 123
