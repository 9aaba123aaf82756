import pytest

from surgewire._core import marker
from surgewire.dialects.plain import plain_text


@pytest.mark.parametrize("size_bytes", [marker.LENGTH, marker.LENGTH + 1, 64, 1000, 65536])
def test_message_has_exactly_the_size_asked_for(size_bytes: int) -> None:
    template = plain_text(size_bytes)
    message = template.payload((1, 2, 3, 4, 5, 6))
    assert len(message) == size_bytes == template.size_bytes
    assert message.isascii()
    assert message.startswith(marker.encode(1, 2, 3, 4, 5, 6))


def test_filler_cannot_be_taken_for_a_marker() -> None:
    template = plain_text(4096)
    message = template.payload((1, 2, 3, 4, 5, 6))
    assert marker.find_all(message[marker.LENGTH :]) == []


def test_message_shorter_than_a_marker_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 52 bytes, not 51"):
        plain_text(51)
