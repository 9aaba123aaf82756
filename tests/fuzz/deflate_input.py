"""How an input of the fuzzer of compressed messages is read, and what must hold for it.

The input is a byte of settings, one of cuts, and a stream of frames.
"""

import zlib

from surgewire._core.deflate import Compressor, Terms
from surgewire._core.frame import BINARY, DEFAULT_LIMIT, TEXT, Decoder, Event, encode
from tests.fuzz.frame_input import PREFIX, split
from tests.fuzz.frame_mutator import Frame, read_frames

LIMITS = (DEFAULT_LIMIT, 70_000, 1000, 130)
PROBES = (b"\x00\x01\x00\xfe\xff?", b"\xb2\x07\x00\x00\x00\xff\xff")
TAIL = b"\x00\x00\xff\xff"
HEADERS = {"reserved_bits", "opcode", "mask", "length", "control_fragmented", "control_too_long"}
FIN, COMPRESSED, CONTROL = 0x80, 0x40, 0x08


def terms_of(settings: int) -> Terms:
    """Read which contexts are taken over; with the largest windows, which zlib watches itself."""
    takeover = bool(settings & 8)
    return Terms(sends_takeover=takeover, receives_takeover=takeover)


def role_of(settings: int) -> str:
    """Read the role of the side that decodes."""
    return "server" if settings & 1 else "client"


def run_input(data: bytes) -> None:
    """Decode one input; raises AssertionError where it shows a fault."""
    if len(data) < PREFIX:
        return
    role, limit, terms = role_of(data[0]), LIMITS[data[0] >> 1 & 3], terms_of(data[0])
    stream = data[PREFIX:]
    events = decode([stream], role, limit, terms)
    assert events == decode(split(stream, data[1]), role, limit, terms), stream
    frames, _ = read_frames(stream, role == "server")
    compare(events, frames, limit, terms)
    go_around([event for event in events if event.kind == "message"], terms)


def decode(chunks: list[bytes], role: str, limit: int, terms: Terms) -> list[Event]:
    """Return all events of a decoder that is fed these chunks."""
    decoder = Decoder(role, max_frame=limit, max_message=limit, deflate=terms)
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def compare(events: list[Event], frames: list[Frame], limit: int, terms: Terms) -> None:
    """Assert that the messages are those that Python's zlib finds, as far as it can tell."""
    found = [(event.opcode, event.payload) for event in events if event.kind == "message"]
    expected, broken = messages_of(frames, limit, terms)
    if events and events[-1].error in HEADERS:
        # What is wrong with headers, the other fuzzer sees to.
        alike = min(len(found), len(expected))
        assert expected[:alike] == found[:alike], (frames, events)
        return
    assert found[: len(expected)] == expected, (frames, events)
    if broken:
        assert len(found) == len(expected), (frames, events)
        assert events[-1].kind == "error", (frames, events)


def messages_of(
    frames: list[Frame], limit: int, terms: Terms
) -> tuple[list[tuple[int, bytes]], bool]:
    """Read messages up to the first doubt; tell whether what follows must be refused."""
    messages: list[tuple[int, bytes]] = []
    inflater = zlib.decompressobj(-15)
    opcode, parts, compressed = 0, b"", False
    for first, payload in frames:
        kind = first & 0x0F
        if first & 0x30 or kind & CONTROL or kind > BINARY or len(payload) > limit:
            break
        if (kind == 0) == (opcode == 0) or (kind == 0 and first & COMPRESSED):
            return messages, True
        if kind:
            opcode, parts, compressed = kind, b"", bool(first & COMPRESSED)
        parts += payload
        if not first & FIN:
            continue
        if compressed and not terms.receives_takeover:
            inflater = zlib.decompressobj(-15)
        whole = inflate(inflater, parts, limit) if compressed and parts else parts
        if whole is None:
            return messages, True
        if len(whole) > limit or (opcode == TEXT and not is_text(whole)):
            return messages, True
        if inflater.eof:
            break
        messages.append((opcode, whole))
        opcode = 0
    return messages, False


def inflate(inflater: "zlib._Decompress", data: bytes, limit: int) -> bytes | None:
    """Return what a message inflates to, at most a byte more than the limit; None: a fault."""
    try:
        found = inflater.decompress(data + TAIL, limit + 1)
        if inflater.eof or len(found) > limit:
            return found
        # Only between two blocks does another one, of whichever kind, mean what it says.
        ended = all(inflater.copy().decompress(probe) == b"?" for probe in PROBES)
    except zlib.error:
        return None
    return found if ended else None


def is_text(payload: bytes) -> bool:
    """Tell whether a message is UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def go_around(events: list[Event], terms: Terms) -> None:
    """Assert that what was received can be sent, and comes out the same."""
    packer, decoder = Compressor(terms), Decoder("client", deflate=terms)
    for event in events:
        frame = encode(event.opcode, packer.compress(event.payload))
        assert decoder.feed(bytes([frame[0] | COMPRESSED]) + frame[1:]) == [event]
