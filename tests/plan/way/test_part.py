from typing import Annotated, ClassVar

import pytest
from pydantic import ValidationError

from surgewire.plan import fields
from surgewire.plan.way.part import HIDDEN, Part


class Inner(Part):
    SECRET: ClassVar[frozenset[str]] = frozenset({"token"})

    token: str | None = None
    name: str = "n"


class Outer(Part):
    wait_ns: Annotated[int, *fields.duration(0, fields.HOUR)] = 0
    inner: Inner = Inner()


def test_what_is_written_down_holds_no_secret_at_any_depth() -> None:
    outer = Outer(inner=Inner(token="t0k3n", name="a"))
    assert outer.public_dict() == {"wait_ns": 0, "inner": {"token": HIDDEN, "name": "a"}}
    assert outer.to_dict()["inner"] == {"token": "t0k3n", "name": "a"}


def test_a_secret_that_is_not_set_is_not_hidden() -> None:
    assert Outer().public_dict()["inner"]["token"] is None


def test_units_of_names_may_be_left_out() -> None:
    assert Outer(wait="5ms").wait_ns == 5_000_000


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wait": "5ms", "wait_ns": 1}, "wait_ns is given twice"),
        ({"wait": 5}, "wait=5 has no unit"),
    ],
)
def test_what_makes_no_sense_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Outer(**values)
