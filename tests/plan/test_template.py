import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core.template import Template
from surgewire.plan.template import SLOTS, TemplateError, parse_template, slots_of

FIELDS = (1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        ("hello", (b"hello",)),
        ("{{marker}}", (("marker",),)),
        ("{{marker}}{{padding}}", (("marker",), ("padding",))),
        ("{{ marker }} hello", (("marker",), b" hello")),
        ("{{random:8}}", (("random", 8),)),
        ('{"seq":{{seq}}}', (b'{"seq":', ("seq",), b"}")),
        ("{{{seq}}}", (b"{", ("seq",), b"}")),
        ('{"a":{"b":1}}', (b'{"a":{"b":1}}',)),
        ("ü {{room}} €", ("ü ".encode(), ("room",), " €".encode())),
    ],
)
def test_text_becomes_parts(text: str, parts: tuple[object, ...]) -> None:
    assert parse_template(text) == parts


def test_message_of_the_usual_shape_stays_json() -> None:
    text = '{"type":"message","room":"{{room}}","user":{{user}},"text":"{{marker}} {{random:4}}"}'
    template = Template(parse_template(text))
    message = json.loads(template.payload(FIELDS, room=7, user=12))
    assert message["room"] == "7"
    assert message["user"] == 12


@given(st.lists(st.sampled_from(sorted(SLOTS.keys() - {"random", "padding"})) | st.just("{} ")))
def test_slots_are_found_wherever_they_stand(names: list[str]) -> None:
    text = "".join(name if name == "{} " else f"{{{{{name}}}}}" for name in names)
    slots = [part[0] for part in parse_template(text) if not isinstance(part, bytes)]
    assert slots == [name for name in names if name != "{} "]


def test_names_of_slots() -> None:
    assert slots_of(parse_template("a {{room}} {{random:3}} {{room}}")) == {"room", "random"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{makrer}}", "{{makrer}} is an unknown slot; known here: {{marker}} {{room}} {{user}}"),
        ("{{}}", "{{}} is an unknown slot"),
        ("{{Marker}}", "{{Marker}} is an unknown slot"),
        ("{{marker} hello", "'{{marker} hello' is no slot; known here: {{marker}}"),
        ("text {{", "'{{' is no slot"),
        ("{{random}}", "{{random}} does not say how many characters; write {{random:8}}"),
        ("{{random:0}}", "{{random:0}} is too short; write {{random:1}} to {{random:4096}}"),
        ("{{random:5000}}", "{{random:5000}} is too long"),
        ("{{random:x}}", "{{random:x}} is an unknown slot"),
        ("{{padding}}{{padding}}", "{{padding}} stands there twice"),
        ("\ud800", "is not UTF-8"),
        ("x" * (1 << 21), "is longer than 1,048,576 characters"),
    ],
)
def test_bad_slots_are_named(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_slot_that_has_no_meaning_here_is_refused() -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template("{{marker}}", allowed=("room", "user"))
    assert str(caught.value) == "{{marker}} has no meaning here; known here: {{room}} {{user}}"
