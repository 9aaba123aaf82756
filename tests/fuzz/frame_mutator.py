"""Changes inputs of the frame fuzzer as frames, so that masks and lengths stay meaningful."""

import random

from surgewire._core import mask
from tests.fuzz.frame_input import PREFIX

# Texts and payloads that meet a rule at its edge.
INTERESTING = (
    b"",
    b"a" * 125,
    b"a" * 126,
    b"a" * 131,
    "κόσμε😀".encode(),
    b"\xf4\x90\x80\x80",
    b"\xed\xa0\x80",
    b"\xf0\x9f\x98",
    b"\xe0\x80\x80",
    b"\x03\xe8",
    b"\x03\xedx",
    b"\x03\xf6bye",
    b"\x0b\xb8\xe2\x82\xac",
)

Frame = tuple[int, bytes]


def read_frames(stream: bytes, masked: bool) -> tuple[list[Frame], bytes]:
    """The well-formed frames at the start as (first byte, payload), and what is left."""
    frames = []
    at = 0
    while at + 2 <= len(stream):
        form = stream[at + 1] & 0x7F
        width = {126: 2, 127: 8}.get(form, 0)
        body = at + 2 + width + (4 if masked else 0)
        size = int.from_bytes(stream[at + 2 : at + 2 + width], "big") if width else form
        if body + size > len(stream) or bool(stream[at + 1] & 0x80) != masked:
            break
        payload = stream[body : body + size]
        if masked:
            payload = mask.apply(payload, stream[body - 4 : body])
        frames.append((stream[at], payload))
        at = body + size
    return frames, stream[at:]


def write_frame(frame: Frame, masked: bool, dice: random.Random) -> bytes:
    """Encode without any check; now and then not in the shortest form, or masked wrongly."""
    first, payload = frame
    width = 0 if len(payload) < 126 else 2 if len(payload) < 65536 else 8
    if dice.random() < 0.02:
        width = dice.choice([width, 2, 8]) if len(payload) < 65536 else 8
    if dice.random() < 0.01:
        masked = not masked
    form = {0: len(payload), 2: 126, 8: 127}[width]
    header = bytes([first, form | (0x80 if masked else 0)]) + (
        len(payload).to_bytes(width, "big") if width else b""
    )
    if not masked:
        return header + payload
    key = dice.randbytes(4)
    return header + key + mask.apply(payload, key)


def change_payload(payload: bytes, dice: random.Random) -> bytes:
    """Insert, replace or remove a few bytes."""
    at = dice.randint(0, len(payload))
    what = dice.randrange(4)
    if what == 0:
        return payload[:at] + dice.choice(INTERESTING) + payload[at:]
    if what == 1:
        return payload[:at] + dice.randbytes(dice.randint(1, 4)) + payload[at + 1 :]
    if what == 2:
        return payload[:at] + payload[at + dice.randint(1, 8) :]
    return dice.choice(INTERESTING)


def change_frames(frames: list[Frame], dice: random.Random) -> None:
    """One change in place: a new frame, one less, two in another order, cut in two, or edited."""
    what = dice.randrange(6)
    if what == 0 or not frames:
        first = dice.choice([0x00, 0x80, 0x01, 0x81, 0x02, 0x82, 0x88, 0x89, 0x8A])
        frames.insert(dice.randint(0, len(frames)), (first, dice.choice(INTERESTING)))
        return
    at = dice.randrange(len(frames))
    first, payload = frames[at]
    if what == 1:
        del frames[at]
    elif what == 2:
        frames.insert(dice.randint(0, len(frames)), frames.pop(at))
    elif what == 3 and first & 0x8F in (0x80, 0x81, 0x82):
        cut = dice.randint(0, len(payload))
        frames[at : at + 1] = [(first & 0x7F, payload[:cut]), (0x80, payload[cut:])]
    elif what == 4:
        frames[at] = (first ^ 1 << dice.randrange(8), payload)
    else:
        frames[at] = (first, change_payload(payload, dice))


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Make another input; half of the time on the level of bytes."""
    import atheris

    dice = random.Random(seed)
    if dice.random() < 0.5 or len(data) < PREFIX:
        return bytes(atheris.Mutate(data, max_size))
    settings = bytearray(data[:PREFIX])
    masked = bool(settings[0] & 1)
    frames, rest = read_frames(data[PREFIX:], masked)
    for _ in range(dice.randint(1, 3)):
        change_frames(frames, dice)
    if dice.random() < 0.2:
        settings[dice.randrange(PREFIX)] = dice.randrange(256)
    masked = bool(settings[0] & 1)
    stream = b"".join(write_frame(frame, masked, dice) for frame in frames)
    return (bytes(settings) + stream + rest)[:max_size]
