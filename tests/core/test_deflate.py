"""Compressed messages: RFC 7692's examples, zlib and `websockets` as oracles, limits and memory."""

import itertools
import random
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode

from surgewire._core.deflate import Compressor, Terms
from surgewire._core.frame import BINARY, CONTINUATION, PING, TEXT, Decoder, Event, encode
from tests.fuzz.deflate_input import run_input
from tests.fuzz.deflate_mutator import change
from tests.fuzz.frame_input import PREFIX
from tests.fuzz.frame_mutator import read_frames, write_frame

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus" / "deflate"

TAIL = b"\x00\x00\xff\xff"
KEY = b"\x0a\x0b\x0c\x0d"
USUAL = Terms()
ALONE = Terms(sends_takeover=False, receives_takeover=False)
# As the peer sees what our side agreed on.
SETTINGS = [
    Terms(bits, takeover, bits, takeover, level)
    for bits, takeover, level in itertools.product((9, 15), (True, False), (1, 9))
]


def compressed(payload: bytes, *, opcode: int = TEXT, fin: bool = True, key: bytes = b"") -> bytes:
    """A frame with RSV1 set, its payload as it is."""
    frame = encode(opcode, payload, fin, key or None)
    return bytes([frame[0] | 0x40]) + frame[1:]


def raw(data: bytes, *, bits: int = 15, level: int = 9) -> bytes:
    """What zlib makes of one message."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -bits)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def message(payload: bytes, opcode: int = TEXT) -> Event:
    return Event("message", opcode, payload, None, None)


def error(name: str, code: int) -> Event:
    return Event("error", 0, b"", code, name)


def check(data: bytes, expected: list[Event], terms: Terms = USUAL, **limits: int) -> None:
    """Whole, byte by byte, and cut in two at every place, the events must be these."""
    assert Decoder("client", deflate=terms, **limits).feed(data) == expected
    decoder = Decoder("client", deflate=terms, **limits)
    assert [e for i in range(len(data)) for e in decoder.feed(data[i : i + 1])] == expected
    for cut in range(min(len(data), 100)):
        decoder = Decoder("client", deflate=terms, **limits)
        assert decoder.feed(data[:cut]) + decoder.feed(data[cut:]) == expected


# ---- what is well-formed ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "messages"),
    [
        ("c107f248cdc9c90700", [b"Hello"]),
        ("4103f248cd8004c9c90700", [b"Hello"]),
        ("c107f248cdc9c90700c107f248cdc9c90700", [b"Hello"] * 2),
        ("c107f248cdc9c90700c105f200110000", [b"Hello"] * 2),
        ("c10b000500faff48656c6c6f00", [b"Hello"]),
        ("c108f348cdc9c9070000", [b"Hello"]),
        ("c10df24805000000ffffcac9c90700", [b"Hello"]),
        ("c10100", [b""]),
    ],
    ids=["7.2.3.1", "fragments", "again", "7.2.3.2", "7.2.3.3", "7.2.3.4", "7.2.3.5", "7.2.3.6"],
)
def test_the_examples_of_rfc_7692_7_2_3(stream: str, messages: list[bytes]) -> None:
    check(bytes.fromhex(stream), [message(payload) for payload in messages])


def test_what_others_send_without_being_quite_right() -> None:
    without_the_empty_block = compressed(bytes.fromhex("f348cdc9c90700"))
    check(without_the_empty_block, [message(b"Hello")])
    refers_back = compressed(bytes.fromhex("f200110000"))
    check(without_the_empty_block + refers_back, [message(b"Hello")] * 2)
    # zlib makes nothing of an empty message behind another one.
    check(compressed(b"") + compressed(raw(b"x")), [message(b""), message(b"x")])


def test_an_uncompressed_message_among_compressed_ones() -> None:
    packer = Compressor(Terms())
    parts = [
        compressed(packer.compress(b"first, to be referred to")),
        encode(TEXT, b"first, to be referred to"),
        compressed(packer.compress(b"first, to be referred to"), opcode=BINARY),
    ]
    again = message(b"first, to be referred to")
    check(b"".join(parts), [again, again, again._replace(opcode=BINARY)])


def test_control_frames_between_fragments() -> None:
    data = raw(b"Hello, hello, hello")
    stream = (
        compressed(data[:4], fin=False)
        + encode(PING, b"there?")
        + encode(CONTINUATION, data[4:9], False)
        + encode(CONTINUATION, b"", False)
        + encode(CONTINUATION, data[9:])
    )
    ping = Event("ping", PING, b"there?", None, None)
    check(stream, [ping, message(b"Hello, hello, hello")])


@pytest.mark.parametrize("terms", SETTINGS, ids=str)
def test_zlib_reads_what_we_compress_and_we_what_zlib_does(terms: Terms) -> None:
    packer, theirs = Compressor(terms), zlib.decompressobj(-terms.sends_bits)
    decoder, peer = Decoder("client", deflate=terms), zlib.compressobj(wbits=-terms.receives_bits)
    for size in (5, 0, 1, 100, 0, 65_535, 65_536, 65_537, 300_000, 7):
        payload = (b"surgewire %d " % size * (size // 10 + 1))[:size]
        if not terms.sends_takeover:
            theirs, peer = zlib.decompressobj(-terms.sends_bits), zlib.compressobj(wbits=-9)
        assert theirs.decompress(packer.compress(payload) + TAIL) == payload
        data = (peer.compress(payload) + peer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)
        assert decoder.feed(compressed(data, opcode=BINARY)) == [message(payload, BINARY)]
    assert decoder.buffer_bytes == 0


@settings(max_examples=60, deadline=None)
@given(
    terms=st.sampled_from(SETTINGS),
    payloads=st.lists(
        st.one_of(st.text(max_size=300), st.text("ab", max_size=2000)).map(str.encode),
        max_size=6,
    ),
    cuts=st.lists(st.integers(0, 5000), max_size=5),
    masked=st.booleans(),
)
def test_websockets_and_we_understand_each_other(
    terms: Terms, payloads: list[bytes], cuts: list[int], masked: bool
) -> None:
    """Messages that the library compresses arrive in any split, and it reads what we compress."""
    no_takeover = not terms.sends_takeover
    library = PerMessageDeflate(no_takeover, no_takeover, terms.sends_bits, terms.receives_bits)
    packer = Compressor(terms)
    stream = b""
    for payload in payloads:
        stream += Frame(Opcode.TEXT, payload).serialize(mask=masked, extensions=[library])
        if payload:
            ours = Frame(Opcode.TEXT, packer.compress(payload), rsv1=True)
            assert bytes(library.decode(ours).data) == payload
    decoder = Decoder("server" if masked else "client", deflate=terms)
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(edges)]
    events = [event for piece in pieces for event in decoder.feed(piece)]
    assert events == [message(payload) for payload in payloads]


def test_without_takeover_messages_under_way_do_not_meet() -> None:
    """More connections in the middle of a message than decompressors are kept for."""
    payloads = [b"%d, " % i * 50 for i in range(200)]
    frames = [compressed(raw(payload)) for payload in payloads]
    decoders = [Decoder("client", deflate=ALONE) for _ in payloads]
    for decoder, frame in zip(decoders, frames, strict=True):
        assert decoder.feed(frame[:9]) == []
    for decoder, frame, payload in zip(decoders, frames, payloads, strict=True):
        assert decoder.feed(frame[9:]) == [message(payload)]
    # What was given back in the middle of a message begins anew.
    for frame, payload in zip(frames, payloads, strict=True):
        Decoder("client", deflate=ALONE).feed(frame[:9])
        assert Decoder("client", deflate=ALONE).feed(frame) == [message(payload)]


# ---- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "frame",
    [
        compressed(b"x", opcode=PING),
        compressed(b"x", opcode=CONTINUATION),
        compressed(b"x", opcode=8),
        bytes([0xA1, 1]) + b"x",
        bytes([0xD1, 1]) + b"x",
        bytes([0xF1, 1]) + b"x",
    ],
    ids=["ping", "continuation", "close", "RSV2", "RSV1 and RSV3", "all"],
)
def test_reserved_bits_mean_nothing_else(frame: bytes) -> None:
    check(frame, [error("reserved_bits", 1002)])


def test_compressed_messages_are_refused_where_nothing_was_agreed_on() -> None:
    assert Decoder("client").feed(compressed(raw(b"x"))) == [error("reserved_bits", 1002)]
    stream = compressed(raw(b"xyz"), fin=False) + compressed(b"", opcode=CONTINUATION)
    check(stream, [error("reserved_bits", 1002)])


@pytest.mark.parametrize(
    "data",
    [
        b"\x07",
        b"\xff\xff\xff",
        raw(b"Hello, this is cut off")[:-4],
        b"\x00\x05\x00\xfa\xffHel",
        b"\x00\x05\x00\xfa\xfeHello\x00",
    ],
    ids=["reserved block type", "garbage", "cut off", "stored, cut off", "bad length"],
)
def test_what_cannot_be_decompressed(data: bytes) -> None:
    check(compressed(data, opcode=BINARY), [error("deflate", 1007)])


def test_references_beyond_the_window_that_was_agreed_on() -> None:
    """In another message at least; within one, zlib does not look."""
    data = bytes(range(256)) + bytes(1000)
    for bits, expected in ((9, error("deflate", 1007)), (15, message(data, BINARY))):
        packer = zlib.compressobj(wbits=-15)
        decoder = Decoder("client", deflate=Terms(receives_bits=bits))
        answers = []
        for _ in range(2):
            packed = packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH)
            answers += decoder.feed(compressed(packed.removesuffix(TAIL), opcode=BINARY))
        assert answers == [message(data, BINARY), expected]


def test_without_takeover_nothing_may_refer_to_the_message_before() -> None:
    stream = bytes.fromhex("c107f248cdc9c90700c105f200110000")
    check(stream, [message(b"Hello"), error("deflate", 1007)], ALONE)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("κόσμε😀".encode(), True),
        (b"\xf0\x9f\x98", False),
        (b"abc\xff", False),
        (b"\xed\xa0\x80", False),
    ],
)
def test_text_is_utf8_after_decompressing(text: bytes, good: bool) -> None:
    check(compressed(raw(text)), [message(text) if good else error("utf8", 1007)])
    check(compressed(raw(text), opcode=BINARY), [message(text, BINARY)])


def test_the_first_fault_counts_however_reads_are_cut() -> None:
    """Faults that stand one behind the other in what was decompressed."""
    block = raw(b"ab\xff" + b"c" * 20)
    check(compressed(block + b"\x07"), [error("utf8", 1007)])
    check(compressed(block), [error("message_limit", 1009)], max_message=2)
    check(compressed(block), [error("utf8", 1007)], max_message=3)
    check(compressed(raw(b"c" * 20) + b"\x07"), [error("message_limit", 1009)], max_message=19)
    check(compressed(raw(b"c" * 20) + b"\x07"), [error("deflate", 1007)], max_message=20)


@pytest.mark.parametrize("limit", [0, 1, 1000, 65_536, 100_000])
def test_the_limit_is_that_of_the_message(limit: int) -> None:
    """Also where compressing made it larger: the frame may exceed the limit by as much."""
    for payload in (bytes(limit), bytes(i * i % 251 for i in range(limit))):
        for level in (0, 9):
            frame = compressed(raw(payload, level=level), opcode=BINARY)
            decoder = Decoder("client", deflate=Terms(), max_message=limit, max_frame=limit)
            assert decoder.feed(frame) == [message(payload, BINARY)]
        frame = compressed(raw(payload + b"x"), opcode=BINARY)
        decoder = Decoder("client", deflate=Terms(), max_message=limit, max_frame=limit)
        assert decoder.feed(frame) == [error("message_limit", 1009)]


def test_a_frame_that_no_message_within_the_limit_needs() -> None:
    decoder = Decoder("client", deflate=Terms(), max_message=1000, max_frame=1000)
    assert decoder.feed(b"\xc2\x7e" + (2000).to_bytes(2, "big")) == [error("frame_limit", 1009)]


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        (Terms(sends_bits=8), "sends_bits=8 is out of range; use 9 to 15"),
        (Terms(receives_bits=16), "receives_bits=16 is out of range; use 8 to 15"),
        (Terms(level=0), "level=0 is out of range; use 1 to 9"),
    ],
)
def test_terms_that_zlib_cannot_keep(terms: Terms, complaint: str) -> None:
    for make in (Compressor, lambda terms: Decoder("client", deflate=terms)):
        with pytest.raises(ValueError, match=complaint):
            make(terms)


# ---- the fuzzer's inputs ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_the_corpus_of_the_fuzzer(seed: Path) -> None:
    run_input(seed.read_bytes())


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), choice=st.integers(0, 1000))
def test_mutated_streams(seed: int, choice: int) -> None:
    dice = random.Random(seed)
    seeds = sorted(CORPUS.iterdir())
    data = seeds[choice % len(seeds)].read_bytes()
    masked = bool(data[0] & 1)
    frames, rest = read_frames(data[PREFIX:], masked)
    for _ in range(dice.randint(1, 4)):
        change(frames, dice)
    stream = b"".join(write_frame(frame, masked, dice) for frame in frames)
    run_input(data[:1] + dice.randbytes(1) + stream + rest)
