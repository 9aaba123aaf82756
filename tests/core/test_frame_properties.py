"""The frame codec against `websockets`: well-formed, mutated and random streams, any split."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, SERVER, Protocol

from surgewire._core.frame import DEFAULT_LIMIT, Decoder, Event, encode
from tests.fuzz.frame_input import run_input
from tests.fuzz.frame_oracle import compare

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus" / "frame"

keys = st.binary(min_size=4, max_size=4)
roles = st.sampled_from(["client", "server"])
sizes = st.one_of(st.integers(0, 40), st.sampled_from([124, 125, 126, 127, 300, 65535, 65536]))
payloads = st.builds(lambda size, seed: (seed * (size // len(seed) + 1))[:size], sizes, keys)
texts = st.text(max_size=40).map(str.encode)

controls = st.tuples(st.sampled_from([9, 10]), st.binary(max_size=125), st.just(True))


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[int, bytes, bool]]:
    """One message as frames (opcode, payload, fin), control frames between its fragments."""
    opcode = draw(st.sampled_from([1, 2]))
    whole = draw(texts if opcode == 1 else payloads)
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=3)))
    edges = [0, *cuts, len(whole)]
    frames = []
    for i in range(len(edges) - 1):
        part = whole[edges[i] : edges[i + 1]]
        frames.append((opcode if i == 0 else 0, part, i == len(edges) - 2))
        frames.extend(draw(st.lists(controls, max_size=1)))
    return frames


@st.composite
def streams(draw: st.DrawFn) -> list[tuple[int, bytes, bool]]:
    """Messages, pings and pongs, and perhaps a close frame at the end."""
    frames = [f for part in draw(st.lists(messages(), max_size=4)) for f in part]
    code = draw(st.sampled_from([None, 1000, 1001, 1011, 3000, 4999]))
    if code is not None:
        reason = draw(st.text(max_size=30).map(str.encode))
        frames.append((8, code.to_bytes(2, "big") + reason, True))
    return frames


def encoded(frames: list[tuple[int, bytes, bool]], key: bytes | None) -> bytes:
    return b"".join(encode(opcode, payload, fin, key) for opcode, payload, fin in frames)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The data in pieces, cut at these places (modulo its length)."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[a:b] for a, b in itertools.pairwise(edges)]


cuts = st.lists(st.integers(0, 1 << 20), max_size=6)


@settings(max_examples=100, deadline=None)
@given(streams(), roles, keys)
def test_websockets_reads_what_we_write(
    frames: list[tuple[int, bytes, bool]], role: str, key: bytes
) -> None:
    reader = Protocol(CLIENT if role == "client" else SERVER, state=OPEN, max_size=None)
    reader.receive_data(encoded(frames, key if role == "server" else None))
    assert reader.parser_exc is None
    received = [(f.opcode, bytes(f.data), f.fin) for f in reader.events_received()]
    assert received == frames


@settings(max_examples=100, deadline=None)
@given(streams(), roles, cuts)
def test_we_read_what_websockets_writes(
    frames: list[tuple[int, bytes, bool]], role: str, places: list[int]
) -> None:
    data = b"".join(
        Frame(Opcode(opcode), payload, fin).serialize(mask=role == "server")
        for opcode, payload, fin in frames
    )
    events = compare(data, cut(data, places), role, DEFAULT_LIMIT, DEFAULT_LIMIT)
    assert all(event.error is None for event in events)
    assert sum(event.kind == "message" for event in events) == sum(
        fin and opcode < 8 for opcode, _, fin in frames
    )


@settings(max_examples=150, deadline=None)
@given(streams(), roles, keys, cuts, st.data())
def test_mutated_streams_mean_the_same_to_both(
    frames: list[tuple[int, bytes, bool]],
    role: str,
    key: bytes,
    places: list[int],
    draw: st.DataObject,
) -> None:
    data = bytearray(encoded(frames, key if role == "server" else None))
    changes = st.tuples(st.integers(0, max(0, len(data) - 1)), st.integers(0, 255))
    for place, value in draw.draw(st.lists(changes, max_size=4)):
        data[place : place + 1] = bytes([value])
    limit = draw.draw(st.sampled_from([0, 5, 130, 70_000]))
    compare(bytes(data), cut(bytes(data), places), role, limit, limit * 2)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), roles, cuts)
def test_random_bytes_mean_the_same_to_both(data: bytes, role: str, places: list[int]) -> None:
    compare(data, cut(data, places), role, 1000, 2000)


@settings(max_examples=100, deadline=None)
@given(streams(), roles, keys, st.binary(max_size=20))
def test_any_split_gives_the_same_events(
    frames: list[tuple[int, bytes, bool]], role: str, key: bytes, tail: bytes
) -> None:
    data = encoded(frames, key if role == "server" else None) + tail
    whole = Decoder(role).feed(data)
    for size in (1, 2, 3, 7, 64):
        if len(data) // size > 5000:
            continue
        decoder = Decoder(role)
        pieces: list[Event] = []
        for i in range(0, len(data), size):
            pieces += decoder.feed(data[i : i + size])
        assert pieces == whole


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=6), st.integers(0, 400))
def test_the_message_limit_is_exact_over_fragments(sizes: list[int], limit: int) -> None:
    data = b"".join(
        encode(2 if i == 0 else 0, bytes(size), fin=i == len(sizes) - 1)
        for i, size in enumerate(sizes)
    )
    events = Decoder("client", max_message=limit).feed(data)
    expected = "message_limit" if sum(sizes) > limit else None
    assert [event.error for event in events] == [expected]


@pytest.mark.parametrize("seed", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_the_corpus_of_the_fuzzer(seed: Path) -> None:
    run_input(seed.read_bytes())
