import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from surgewire._core import marker
from surgewire._core.template import Template
from surgewire.plan.chat import ChatPlan
from surgewire.plan.describe import describe_error
from surgewire.plan.sending import MARKER_BYTES

S = 1_000_000_000
CHAT = {"url": "ws://h/ws?room={{room}}", "connections": 100, "rooms": 10, "rate": "1/s"}
JOIN = {"join": '{"type":"join","room":"{{room}}"}', "joined": '"type":"joined"'}
MARKER = (1, 2, 3, 4, 5, 6)


def refusal(**change: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        ChatPlan(**(CHAT | change))
    message = describe_error(caught.value)
    assert "\n" not in message
    assert len(message) < 320
    return message


def test_defaults_of_a_chat_run() -> None:
    plan = ChatPlan(url="ws://h/", connections=10, rate="1/s")
    assert (plan.kind, plan.rooms, plan.to, plan.senders) == ("chat", 1, "room", 10)
    assert (plan.join, plan.joined, plan.join_timeout_ns) == (None, None, None)
    assert ChatPlan(**(CHAT | JOIN)).join_timeout_ns == 10 * S
    assert (plan.message_parts, plan.join_parts) == ((("marker",), ("padding",)), None)
    assert (plan.size, plan.trace, plan.join_matcher) == (None, None, None)
    assert (plan.reconnect_min_ns, plan.churn_ppm, plan.churn_per_ns) == (None, None, None)
    assert (plan.binary, plan.send_during_ramp, plan.poisson) == (False, False, False)
    assert (plan.duration_ns, plan.drain_ns, plan.deadline_ns) == (60 * S, 5 * S, 2 * S)
    assert plan.ramp_ns == S // 100


def test_text_and_exact_values_make_the_same_plan() -> None:
    written = ChatPlan(**CHAT, senders="10%", reconnect="1s..30s", churn="5%/min", size="1k")
    exact = ChatPlan(
        **CHAT, senders_ppm=100_000, reconnect_min_ns=S, reconnect_max_ns=30 * S,
        churn_ppm=50_000, churn_per_ns=60 * S, size="1024",
    )  # fmt: skip
    assert written == exact
    assert ChatPlan(**CHAT, churn=None, reconnect=None) == ChatPlan(**CHAT)


def test_senders_are_those_of_the_layout() -> None:
    plan = ChatPlan(**CHAT, senders="20%")
    assert plan.senders == plan.layout.senders == 20
    assert (plan.layout.connections, plan.layout.rooms) == (100, 10)


def test_slots_of_the_url_stay_as_they_were_written() -> None:
    plan = ChatPlan(**(CHAT | {"url": "ws://h/{{room}}/é?u={{user}}&r={{room}}"}))
    assert plan.target.url == "ws://h/{{room}}/%C3%A9?u={{user}}&r={{room}}"


@pytest.mark.parametrize(
    ("joined", "payload", "confirms"),
    [
        ("/^{.*joined/", b'{"type":"joined"}', True),
        ("/^{.*joined/", b'x{"type":"joined"}', False),
        ("/joined|welcome/", b"hello, welcome", True),
        ("/ü+/", "grüün".encode(), True),
    ],
)
def test_a_regular_expression_confirms_a_join(joined: str, payload: bytes, confirms: bool) -> None:
    matcher = ChatPlan(**CHAT, join="x", joined=joined).join_matcher
    assert callable(matcher)
    assert matcher(payload) is confirms


def test_a_text_confirms_a_join() -> None:
    assert ChatPlan(**(CHAT | JOIN)).join_matcher == b'"type":"joined"'
    assert ChatPlan(**CHAT, join="x", joined="/").join_matcher == b"/"


def test_filler_stands_behind_the_marker_unless_it_has_a_place() -> None:
    plan = ChatPlan(**CHAT, send="a{{marker}}b{{marker}}", size="200")
    assert plan.message_parts == (b"a", ("marker",), ("padding",), b"b", ("marker",))
    assert ChatPlan(**CHAT, send="a{{marker}}b").message_parts == (b"a", ("marker",), b"b")
    placed = ChatPlan(**CHAT, send="{{padding}}{{marker}}", size="200")
    assert placed.message_parts == (("padding",), ("marker",))


@given(
    rooms=st.integers(1, 100),
    more=st.integers(0, 2000),
    slots=st.lists(st.sampled_from(["room", "user", "seq", "now_ms", "random:9", "marker"])),
)
def test_the_least_size_that_is_named_fits_every_message(
    rooms: int, more: int, slots: list[str]
) -> None:
    send = "{{marker}}" + "".join(f"-{{{{{slot}}}}}" for slot in slots)
    values = CHAT | {"rooms": rooms, "connections": rooms + more, "send": send}
    with pytest.raises(ValidationError) as caught:
        ChatPlan(**values, size="1")
    said = re.search(r"write sizes of (\d+) or more", describe_error(caught.value))
    assert said
    plan = ChatPlan(**values, size=said[1])
    template = Template(plan.message_parts)
    last = plan.duration_ns // S
    payload = template.payload(
        MARKER, room=rooms - 1, user=rooms + more - 1, seq=last, now_ms=1_800_000_000_000
    )
    assert len(payload) == int(said[1])


def test_marker_bytes_are_those_of_the_core() -> None:
    assert marker.LENGTH == MARKER_BYTES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        # templates
        ({"send": "hello"}, "--send: has no {{marker}}: without it no delivery could be"),
        ({"send": "{{makrer}}"}, "--send: {{makrer}} is an unknown slot; known here: {{marker}}"),
        ({"send": "{{marker} x"}, "--send: '{{marker} x' is no slot; known here: {{marker}}"),
        ({"send": "SWX1 {{marker}}"}, "--send: contains SWX1, with which markers begin"),
        ({"send": "SWX{{seq}}{{marker}}"}, "--send: contains SWX1"),
        ({"send": 5}, "--send: 5: input should be a valid string"),
        ({"join": ""}, "--join: is empty; write the message"),
        ({"join": "{{marker}}"}, "--join: {{marker}} has no meaning here; known here: {{room}}"),
        ({"join": "{{seq}}"}, "--join: {{seq}} has no meaning here"),
        ({"join": "{{name}}"}, "--join: {{name}} is an unknown slot; known here: {{room}}"),
        ({"url": "ws://h/?{{marker}}"}, "URL: {{marker}} has no meaning here; known here:"),
        ({"url": "ws://h/?{{name}}"}, "URL: {{name}} is an unknown slot; known here: {{room}}"),
        ({"url": "ws://{{room}}/"}, "has a bad host '{{room}}'"),
        # joins
        ({"joined": "ok"}, "--joined is the answer to --join, which is missing; add --join"),
        ({"join": "x", "join_timeout": "5s"}, "--join-timeout is how long the answer that"),
        ({"join": "x", "joined": ""}, "--joined: is empty; write a text"),
        ({"join": "x", "joined": "//"}, "--joined: is empty; write a text"),
        ({"join": "x", "joined": "/(/"}, "--joined: '/(/' is no regular expression of Python:"),
        ({"join": "x", "joined": "/a{9999999999}/"}, "is no regular expression of Python:"),
        ({"join": "x", "joined": "in {{room}}"}, "--joined: 'in {{room}}' has a slot, but is the"),
        ({"join": "x", "joined": "\udc80"}, "is not UTF-8"),
        ({"join_timeout": "0s"}, "--join-timeout: 0s is too small; write a value from 10ms to 1h"),
        # rooms and who speaks
        ({"rooms": 101}, "--rooms 101 are more than the 100 connections; write --rooms 100"),
        ({"rooms": 0}, "--rooms: 0 is too small; write a value from 1 to 100,000"),
        ({"rooms": 100, "to": "others"}, "of one member, whom nobody hears; write --rooms 50"),
        ({"connections": 1, "rooms": 1, "to": "others"}, "write --connections 2 or more"),
        ({"to": "all"}, "--to: 'all': input should be 'room' or 'others'"),
        ({"senders": "0%"}, "--senders: 0% is too small; write a value from 0.0001% to 100%"),
        ({"senders": "10"}, "--senders: '10' has no %; write 10%"),
        ({"senders": "101%"}, "--senders: '101%' is more than all"),
        # sizes
        ({"size": "64", "send": "{{marker}} hello, everybody"},
         "--size 64 is too small: the message without filler has up to 69 bytes, 52 of them the "
         "marker; write sizes of 69 or more"),
        ({"size": "40..4k"}, "--size 40..4k is too small"),
        ({"size": "4k..64"}, "--size: '4k..64' goes down; write 64..4k"),
        ({"size": "100,1k@70"}, "--size: '100,1k@70' has 2 sizes and 1 weights"),
        ({"size": "17m"}, "messages of 17m are larger than the largest message taken, 16m"),
        ({"size": 64}, "--size: 64 is not a size; write text such as '64' or '64..4k'"),
        # comings and goings
        ({"reconnect": "30s..1s"}, "--reconnect: the shorter time comes first; write 1s..30s"),
        ({"reconnect": "1s"}, "--reconnect: '1s' has one end; write for example 1s..30s"),
        ({"reconnect": "1s.."}, "--reconnect: '' is not a duration"),
        ({"reconnect": "1..30"}, "--reconnect: '1' has no unit; write 1s"),
        ({"reconnect": "0s..1s"}, "--reconnect: 0s is too small; write a value from 10ms to 1h"),
        ({"reconnect": "1s..2h"}, "--reconnect: 2h is too large"),
        ({"reconnect": 5}, "--reconnect: there is no such field"),
        ({"reconnect_min_ns": S}, "reconnect has two ends"),
        ({"churn": "0%/min"}, "--churn: 0% is too small; write a value from 0.0001% to 100%"),
        ({"churn": "5%"}, "--churn: '5%' does not say per what; write 5%/min"),
        ({"churn": "5/min"}, "--churn: '5' has no %; write 5%"),
        ({"churn": "5%/fortnight"}, "--churn: '5%/fortnight' is not a share per time"),
        ({"churn_ppm": 5}, "churn_ppm and churn_per_ns belong together"),
        # what it has in common with echo
        ({"rate": None}, "--rate: None is not a rate"),
        ({"rate": "1/d"}, "--rate 1/1d sends nothing within --duration 1m"),
        ({"connections": 1_000_000, "rate": "1000/s"}, "1,000,000,000 messages a second"),
        ({"pingpong": True}, "--pingpong: there is no such field"),
        ({"ping": "5s", "ping_timeout": "6s"}, "--ping-timeout 6s is longer than --ping 5s"),
    ],
)  # fmt: skip
def test_nonsense_in_a_chat_plan_is_named(change: dict[str, Any], said: str) -> None:
    assert said in refusal(**change)


def test_missing_rate_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        ChatPlan(url="ws://h/", connections=5)
    assert describe_error(caught.value) == "--rate: is missing; write for example --rate 1/s"


def test_little_is_sent_by_few_senders() -> None:
    plan = ChatPlan(**(CHAT | {"rate": "1/m"}), senders="10%")
    assert plan.senders == 10
    assert "sends nothing" in refusal(rate="1/h", senders="10%")


@given(
    st.dictionaries(
        st.sampled_from([*ChatPlan.model_fields, "url", "reconnect", "churn", "senders"]),
        st.none()
        | st.integers()
        | st.floats()
        | st.text(max_size=8)
        | st.booleans()
        | st.sampled_from(["{{marker}}", "{{room}}", "/x", "1s..2s", "5%/min", "64", "1/s"]),
    )
)
def test_any_values_make_a_plan_or_one_line(values: dict[str, Any]) -> None:
    try:
        ChatPlan(**(CHAT | values))
        message = ""
    except ValidationError as error:
        message = describe_error(error)
    assert "\n" not in message
