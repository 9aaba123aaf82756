"""What is offered for compression: read, refused in words, written down."""

import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import EchoPlan, plan_from_dict
from surgewire.plan.units import UnitError
from surgewire.plan.way.deflate import DeflateParameters, DeflatePart, parse_offer


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("client_max_window_bits", (False, False, None, True)),
        ("permessage-deflate", (False, False, None, None)),
        ("permessage-deflate; client_no_context_takeover", (False, True, None, None)),
        (
            "server_no_context_takeover;client_no_context_takeover ; server_max_window_bits = 8;"
            'client_max_window_bits="9"',
            (True, True, 8, 9),
        ),
        ("server_max_window_bits=15", (False, False, 15, None)),
    ],
)
def test_offers_are_read_as_they_stand_in_the_header(
    text: str, parameters: tuple[object, ...]
) -> None:
    assert tuple(parse_offer(text)) == parameters


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no parameter of permessage-deflate; use server_no_context_takeover, client"),
        ("x-webkit-deflate-frame", "'x-webkit-deflate-frame' is no parameter"),
        ("client_max_window_bits; permessage-deflate", "'permessage-deflate' is no parameter"),
        ("client_max_window_bits;", "'' is no parameter of permessage-deflate"),
        ("client_no_context_takeover=1", "client_no_context_takeover takes no value; write it"),
        ("server_max_window_bits", "server_max_window_bits is 8 to 15; write for example server"),
        ("server_max_window_bits=16", "server_max_window_bits is 8 to 15"),
        ("server_max_window_bits=x", "server_max_window_bits is 8 to 15"),
        ("client_max_window_bits=8", "client_max_window_bits is 9 to 15; write for example client"),
        ("client_max_window_bits=²", "client_max_window_bits is 9 to 15"),
        ("client_max_window_bits;client_max_window_bits", "client_max_window_bits is given twice"),
    ],
)
def test_offers_that_make_no_sense(text: str, complaint: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_offer(text)
    assert str(caught.value).startswith(complaint)


def plan(**deflate: object) -> EchoPlan:
    return EchoPlan(url="ws://h/", connections=1, rate="1/s", deflate=deflate)


def test_without_a_word_nothing_is_offered() -> None:
    assert not EchoPlan(url="ws://h/", connections=1, rate="1/s").deflate.is_offered
    assert not plan().deflate.is_offered


def test_offered_as_browsers_do_unless_parameters_are_given() -> None:
    assert plan(offered=True).deflate.is_offered
    usual = DeflateParameters(client_max_window_bits=True)
    assert plan(offered=True).deflate.parameters == usual
    assert plan(offer="server_max_window_bits=10").deflate.is_offered
    assert plan(offer="server_max_window_bits=10").deflate.parameters == (False, False, 10, None)


@pytest.mark.parametrize(
    ("deflate", "kilobytes"),
    [
        ({}, 0),
        ({"offered": True}, 150 + 40),
        ({"offer": "client_no_context_takeover"}, 40),
        ({"offer": "server_no_context_takeover; client_max_window_bits=9"}, 24),
        ({"offer": "server_no_context_takeover; client_no_context_takeover"}, 0),
    ],
)
def test_what_the_streams_of_a_connection_take(deflate: dict[str, object], kilobytes: int) -> None:
    assert plan(**deflate).deflate.stream_bytes == kilobytes << 10


def test_the_level() -> None:
    assert plan(offered=True).deflate.effort == 6
    assert plan(offered=True, level="9").deflate.effort == 9


@pytest.mark.parametrize(
    ("deflate", "complaint"),
    [
        ({"offer": "nonsense"}, "--deflate-offer: 'nonsense' is no parameter of permessage"),
        ({"offered": True, "level": "0"}, "--deflate-level: "),
        ({"offered": True, "level": "fast"}, "--deflate-level: 'fast'"),
        ({"level": 1}, "--deflate-level needs --deflate; write both"),
    ],
)
def test_errors_name_the_option(deflate: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(**deflate)
    assert complaint in describe_error(caught.value)


def test_round_trip() -> None:
    made = plan(offer="client_no_context_takeover", level=3)
    assert plan_from_dict(made.to_dict()) == made
    assert made.public_dict()["deflate"] == {
        "offered": False,
        "offer": "client_no_context_takeover",
        "level": 3,
    }
    assert DeflatePart().public_dict() == {"offered": False, "offer": None, "level": None}
