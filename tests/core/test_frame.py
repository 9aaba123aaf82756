"""Frames of RFC 6455 as literal bytes: what each rule accepts and refuses, in any split."""

import pytest

from surgewire._core import frame
from surgewire._core.frame import Decoder, Event, encode

KEY = bytes.fromhex("37fa213d")


def message(opcode: int, payload: bytes) -> Event:
    return Event("message", opcode, payload, None, None)


def ping(payload: bytes = b"") -> Event:
    return Event("ping", 9, payload, None, None)


def pong(payload: bytes = b"") -> Event:
    return Event("pong", 10, payload, None, None)


def close(code: int, reason: bytes = b"") -> Event:
    return Event("close", 8, reason, code, None)


def error(name: str, code: int = 1002) -> Event:
    return Event("error", 0, b"", code, name)


def check(data: bytes, expected: list[Event], role: str = "client", **limits: int) -> None:
    """Whole, byte by byte, and cut in two at every place, the events must be these."""
    assert Decoder(role, **limits).feed(data) == expected
    decoder = Decoder(role, **limits)
    assert [e for i in range(len(data)) for e in decoder.feed(data[i : i + 1])] == expected
    for cut in range(min(len(data), 300)):
        decoder = Decoder(role, **limits)
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == expected


# ---- what is well-formed ------------------------------------------------------------------------


def test_the_examples_of_rfc_6455_5_7() -> None:
    check(bytes.fromhex("810548656c6c6f"), [message(1, b"Hello")])
    check(bytes.fromhex("818537fa213d7f9f4d5158"), [message(1, b"Hello")], "server")
    check(bytes.fromhex("010348656c80026c6f"), [message(1, b"Hello")])
    check(bytes.fromhex("890548656c6c6f"), [ping(b"Hello")])
    check(bytes.fromhex("8a8537fa213d7f9f4d5158"), [pong(b"Hello")], "server")
    kilobytes = bytes(range(256)) * 256
    check(b"\x82\x7e\x01\x00" + kilobytes[:256], [message(2, kilobytes[:256])])
    check(b"\x82\x7f\0\0\0\0\0\x01\0\0" + kilobytes, [message(2, kilobytes)])


@pytest.mark.parametrize("length", [0, 1, 124, 125, 126, 127, 255, 256, 65535, 65536, 65537])
@pytest.mark.parametrize(("role", "key"), [("client", None), ("server", KEY)])
def test_every_form_of_the_length(length: int, role: str, key: bytes | None) -> None:
    payload = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    data = encode(frame.BINARY, payload, mask_key=key)
    extended = 0 if length < 126 else 2 if length < 65536 else 8
    assert len(data) == 2 + extended + (4 if key else 0) + length
    header = len(data) - length
    for cut in (0, 1, 2, 3, 9, header, header + 1, len(data) - 1):
        decoder = Decoder(role)
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == [message(2, payload)]


def test_control_frames_between_fragments() -> None:
    data = b"\x01\x02He\x89\x01p\x00\x01l\x8a\x00\x80\x02lo\x82\x01x"
    check(data, [ping(b"p"), pong(), message(1, b"Hello"), message(2, b"x")])


def test_a_masked_message_in_fragments_with_different_keys() -> None:
    data = (
        encode(1, b"Hel", fin=False, mask_key=KEY)
        + encode(9, b"are you there?", mask_key=b"\xff\x00\xff\x00")
        + encode(0, b"lo, wo", fin=False, mask_key=b"abcd")
        + encode(0, b"rld", mask_key=b"\0\0\0\0")
    )
    check(data, [ping(b"are you there?"), message(1, b"Hello, world")], "server")


def test_empty_frames_and_fragments() -> None:
    check(b"\x81\x00\x82\x00", [message(1, b""), message(2, b"")])
    check(b"\x01\x00\x00\x00\x80\x00", [message(1, b"")])
    check(b"\x02\x00\x80\x02hi", [message(2, b"hi")])
    check(b"\x02\x02hi\x00\x00\x80\x00", [message(2, b"hi")])
    check(b"\x81\x80abcd", [message(1, b"")], "server")


def test_a_control_frame_of_125_bytes() -> None:
    check(b"\x89\x7d" + b"p" * 125, [ping(b"p" * 125)])


def test_nothing_is_reported_of_what_is_not_complete() -> None:
    decoder = Decoder("client")
    for byte in b"\x81\x7e\x00\x7e" + b"a" * 125:
        assert decoder.feed(bytes([byte])) == []
    assert decoder.feed(b"") == []
    assert decoder.feed(b"a") == [message(1, b"a" * 126)]


# ---- close --------------------------------------------------------------------------------------


def test_close_without_a_code_is_1005() -> None:
    check(b"\x88\x00", [close(1005)])


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_close_codes_that_may_be_received(code: int) -> None:
    check(b"\x88\x02" + code.to_bytes(2, "big"), [close(code)])
    check(b"\x88\x05" + code.to_bytes(2, "big") + b"bye", [close(code, b"bye")])


@pytest.mark.parametrize(
    "code", [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]
)
def test_close_codes_that_must_not_be_received(code: int) -> None:
    check(b"\x88\x02" + code.to_bytes(2, "big"), [error("close_code")])


def test_close_payload_of_one_byte() -> None:
    check(b"\x88\x01\x03", [error("close_length")])


def test_close_reason_is_utf8() -> None:
    check(b"\x88\x05\x03\xe8\xe2\x82\xac", [close(1000, "€".encode())])
    check(b"\x88\x04\x03\xe8\xe2\x82", [error("utf8", 1007)])
    check(b"\x88\x04\x03\xe8\xff\xff", [error("utf8", 1007)])
    check(b"\x88\x7d\x03\xe8" + b"r" * 123, [close(1000, b"r" * 123)])


def test_what_follows_a_close_frame_is_discarded() -> None:
    check(b"\x88\x00\x81\x01a\xff\xff\xff", [close(1005)])


def test_close_within_a_message_drops_the_message() -> None:
    decoder = Decoder("client")
    assert decoder.feed(b"\x01\x02He\x88\x02\x03\xe9\x80\x01l") == [close(1001)]
    assert decoder.buffer_bytes == 0


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("bit", [0x40, 0x20, 0x10])
@pytest.mark.parametrize("opcode", [0x1, 0x2, 0x8, 0x9, 0xA])
def test_reserved_bits(bit: int, opcode: int) -> None:
    check(bytes([0x80 | bit | opcode, 0]), [error("reserved_bits")])


@pytest.mark.parametrize("opcode", [0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF])
def test_reserved_opcodes(opcode: int) -> None:
    check(bytes([0x80 | opcode, 0]), [error("opcode")])


@pytest.mark.parametrize("opcode", [0x8, 0x9, 0xA])
def test_control_frames_are_not_fragmented_and_at_most_125_bytes(opcode: int) -> None:
    check(bytes([opcode, 0]), [error("control_fragmented")])
    check(bytes([0x80 | opcode, 126, 0, 126]), [error("control_too_long")])
    check(bytes([0x80 | opcode, 127, *[0] * 5, 1, 0, 0]), [error("control_too_long")])


def test_masking_by_role() -> None:
    check(b"\x81\x81abcdx", [error("mask")], "client")
    check(b"\x81\x01x", [error("mask")], "server")
    check(b"\x88\x00", [error("mask")], "server")


def test_continuation_without_a_start_and_a_start_within_a_message() -> None:
    check(b"\x80\x01x", [error("continuation")])
    check(b"\x81\x01a\x80\x01b", [message(1, b"a"), error("continuation")])
    check(b"\x01\x01a\x81\x01b", [error("continuation")])
    check(b"\x02\x01a\x02\x01b", [error("continuation")])


@pytest.mark.parametrize(
    "length",
    [
        b"\x7e\x00\x00",
        b"\x7e\x00\x7d",
        b"\x7f" + bytes(8),
        b"\x7f" + (125).to_bytes(8, "big"),
        b"\x7f" + (65535).to_bytes(8, "big"),
        b"\x7f\x80" + bytes(7),
        b"\x7f" + b"\xff" * 8,
    ],
)
def test_lengths_that_are_not_in_their_shortest_form_or_have_the_top_bit(length: bytes) -> None:
    check(b"\x82" + length, [error("length")])


def test_text_is_refused_as_soon_as_it_can_be() -> None:
    check(b"\x81\x7d" + "κόσμε".encode() + b"\xf4\x90", [error("utf8", 1007)])
    check(b"\x01\x03a\xe2\x82\x89\x00\x00\x05\xac\xed\xa0", [ping(), error("utf8", 1007)])
    check(b"\x81\x02\xe2\x82", [error("utf8", 1007)])
    check(b"\x01\x02\xe2\x82\x80\x00", [error("utf8", 1007)])
    check(b"\x81\x85" + KEY + frame_masked(b"a\xff"), [error("utf8", 1007)], "server")


def frame_masked(data: bytes) -> bytes:
    return encode(frame.BINARY, data, mask_key=KEY)[6:]


def test_text_may_be_cut_within_a_character() -> None:
    check(b"\x01\x02a\xe2\x00\x01\x82\x80\x02\xacb", [message(1, "a€b".encode())])


def test_binary_need_not_be_utf8() -> None:
    check(b"\x82\x02\xff\xfe", [message(2, b"\xff\xfe")])


def test_a_failed_decoder_stays_failed() -> None:
    decoder = Decoder("client")
    assert decoder.failed is None
    assert decoder.feed(b"\x81\x01a\xc1\x00\x81\x01b") == [
        message(1, b"a"),
        error("reserved_bits"),
    ]
    for data in (b"", b"\x81\x01c", b"\x88\x00"):
        assert decoder.feed(data) == []
        assert decoder.failed == "reserved_bits"


# ---- limits -------------------------------------------------------------------------------------


def test_frame_limit() -> None:
    check(b"\x82\x0a0123456789", [message(2, b"0123456789")], max_frame=10)
    check(b"\x82\x0b", [error("frame_limit", 1009)], max_frame=10)
    check(b"\x82\x7e\x01\x00", [error("frame_limit", 1009)], max_frame=255)
    check(b"\x82\x7f\x7f" + b"\xff" * 7, [error("frame_limit", 1009)])


def test_message_limit() -> None:
    whole = b"\x02\x0501234\x00\x00\x80\x0556789"
    check(whole, [message(2, b"0123456789")], max_message=10)
    check(b"\x02\x0501234\x80\x06", [error("message_limit", 1009)], max_message=10)
    check(b"\x82\x0b", [error("message_limit", 1009)], max_message=10)
    huge = (1 << 63) - 1
    overflow = b"\x02\x0501234\x80\x7f\x7f" + b"\xff" * 7
    check(overflow, [error("message_limit", 1009)], max_frame=huge, max_message=huge)


def test_the_limits_hold_for_data_and_start_anew_with_each_message() -> None:
    check(b"\x89\x03abc\x82\x00", [ping(b"abc"), message(2, b"")], max_frame=0, max_message=0)
    data = b"\x82\x03abc\x89\x05hello\x82\x03def"
    check(data, [message(2, b"abc"), ping(b"hello"), message(2, b"def")], max_message=3)


def test_the_default_limit_is_16_mebibytes() -> None:
    assert frame.DEFAULT_LIMIT == 16 << 20
    declared = (16 << 20).to_bytes(8, "big")
    assert Decoder("client").feed(b"\x82\x7f" + declared) == []
    declared = ((16 << 20) + 1).to_bytes(8, "big")
    assert Decoder("client").feed(b"\x82\x7f" + declared) == [error("frame_limit", 1009)]


# ---- the skin -----------------------------------------------------------------------------------


def test_encode_writes_the_examples_of_rfc_6455_5_7() -> None:
    assert encode(frame.TEXT, b"Hello").hex() == "810548656c6c6f"
    assert encode(frame.TEXT, b"Hello", mask_key=KEY).hex() == "818537fa213d7f9f4d5158"
    assert encode(frame.TEXT, b"Hel", fin=False).hex() == "010348656c"
    assert encode(frame.CONTINUATION, b"lo").hex() == "80026c6f"
    assert encode(frame.BINARY, bytes(256))[:4].hex() == "827e0100"
    assert encode(frame.BINARY, bytes(65536))[:10].hex() == "827f0000000000010000"
    assert encode(frame.CLOSE, b"\x03\xe8bye").hex() == "880503e8627965"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((3, b""), "3 is no opcode"),
        ((16, b""), "16 is no opcode"),
        ((-1, b""), "-1 is no opcode"),
        ((frame.PING, b"", False), "a control frame is whole"),
        ((frame.CLOSE, bytes(126)), "at most 125 bytes"),
        ((frame.TEXT, b"", True, b"abc"), "a masking key has 4 bytes, not 3"),
    ],
)
def test_encode_refuses_what_is_no_frame(arguments: tuple[int, bytes], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        encode(*arguments)


def test_the_decoder_refuses_bad_arguments_in_words() -> None:
    with pytest.raises(ValueError, match="'both' is no role; use 'client' or 'server'"):
        Decoder("both")
    for limit in (-1, 1 << 63):
        with pytest.raises(ValueError, match=rf"max_message={limit} is out of range"):
            Decoder("client", max_message=limit)


def test_error_names_are_stable() -> None:
    assert frame.ERRORS == (
        "reserved_bits",
        "opcode",
        "control_fragmented",
        "control_too_long",
        "mask",
        "length",
        "continuation",
        "utf8",
        "close_code",
        "close_length",
        "frame_limit",
        "message_limit",
        "memory",
        "deflate",
    )
