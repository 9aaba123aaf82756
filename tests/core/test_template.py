from hypothesis import given
from hypothesis import strategies as st

from surgewire._core import frame, marker
from surgewire._core.template import Template

FIELDS = (1, 2, 3, 4, 5, 6)


TEXT = st.text(st.characters(max_codepoint=127), max_size=200).map(str.encode)


@given(before=TEXT, after=TEXT.flatmap(lambda text: st.sampled_from([text, text * 400])))
def test_frame_holds_the_message_with_its_marker(before: bytes, after: bytes) -> None:
    template = Template(before, after)
    (event,) = frame.Decoder(role="server").feed(template.frame(*FIELDS))
    assert event.opcode == frame.TEXT
    assert event.payload == before + marker.encode(*FIELDS) + after
    assert len(event.payload) == template.size_bytes


def test_every_frame_has_a_key_of_its_own() -> None:
    template = Template(b"", b"")
    assert len({template.frame(*FIELDS) for _ in range(100)}) == 100
