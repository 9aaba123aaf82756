from typing import Any

import pytest

from surgewire.plan.units import UnitError
from surgewire.plan.way import headers


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("X: y", (("X", "y"),)),
        (["X:y", "X : z:1 ", "Empty:"], (("X", "y"), ("X", "z:1"), ("Empty", ""))),
        ([["X", "y"], ("Z", "ü")], (("X", "y"), ("Z", "ü"))),
        ({"Host": "other"}, (("Host", "other"),)),
        ((), ()),
    ],
)
def test_headers(value: Any, pairs: Any) -> None:
    assert headers.parse_headers(value) == pairs


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        ("a=1", (("a", "1"),)),
        ("a=1; b = x=y", (("a", "1"), ("b", "x=y"))),
        (["a=1", "c="], (("a", "1"), ("c", ""))),
        ({"a": "1"}, (("a", "1"),)),
        ([["a", "1"]], (("a", "1"),)),
    ],
)
def test_cookies(value: Any, pairs: Any) -> None:
    assert headers.parse_cookies(value) == pairs


def test_queries_are_escaped_and_slots_are_not() -> None:
    pairs = headers.parse_queries(["a b=c&d", "ü={{name}} {{x}}", "e="])
    assert headers.query_text(pairs) == "a%20b=c%26d&%C3%BC={{name}}%20{{x}}&e="


def test_subprotocols() -> None:
    assert headers.parse_subprotocols("v1") == ("v1",)
    assert headers.parse_subprotocols(["v1", "bearer.{{token}}"]) == ("v1", "bearer.{{token}}")


@pytest.mark.parametrize(
    ("parse", "value", "said"),
    [
        (headers.parse_headers, "canary", "the value has no ':'; write 'Name: value'"),
        (headers.parse_headers, ["X: y", "canary"], "value 2 of 2 has no ':'"),
        (headers.parse_headers, "X Y: canary", "letters, digits and hyphens"),
        (headers.parse_headers, ": canary", "letters, digits and hyphens"),
        (headers.parse_headers, "X: canary\r\nY: z", "'X': there is a line break"),
        (headers.parse_headers, "X\r\nY: canary", "letters, digits and hyphens"),
        (headers.parse_headers, "X: canary\x00", "control character"),
        (headers.parse_headers, "X: \ud800", "'X': there is text that is not UTF-8"),
        (headers.parse_headers, "X: " + "y" * 70_000, "'X': there are more than 65,536"),
        (headers.parse_headers, "Connection: canary", "'Connection' cannot be set: the opening"),
        (headers.parse_headers, "sec-websocket-protocol: v1", "write --subprotocol instead"),
        (headers.parse_headers, "Sec-WebSocket-Extensions: x", "write --deflate instead"),
        (headers.parse_headers, [["X"]], "the value is no text; write 'Name: value'"),
        (headers.parse_headers, 7, "there is no text; write 'Name: value'"),
        (headers.parse_headers, [7], "the value is no text"),
        (headers.parse_cookies, "canary", "the value has no '='; write 'name=value'"),
        (headers.parse_cookies, "a=1;", "value 2 of 2 has no '='"),
        (headers.parse_cookies, "a b=canary", "a cookie has a name of letters and digits"),
        (headers.parse_cookies, {"a": "can;ary"}, "'a': there is a ';' in the value"),
        (headers.parse_queries, "canary", "the value has no '='"),
        (headers.parse_queries, "=canary", "a parameter has a name"),
        (headers.parse_queries, "{{a}}=canary", "a parameter has a name without slots"),
        (headers.parse_subprotocols, "can ary", "the value is no name of a subprotocol"),
        (headers.parse_subprotocols, ["v1", "canary,"], "value 2 of 2 is no name"),
        (headers.parse_subprotocols, ["v1", "v1"], "one name stands there twice"),
        (headers.parse_subprotocols, [7], "is no name of a subprotocol"),
        (headers.parse_subprotocols, 7, "there is no text"),
    ],
)
def test_what_is_refused_is_named_and_not_shown(parse: Any, value: Any, said: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse(value)
    assert said in str(caught.value)
    assert "canary" not in str(caught.value)
