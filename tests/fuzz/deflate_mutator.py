"""Changes inputs of the fuzzer of compressed messages: what is in them, or how it is compressed."""

import random
import zlib

from tests.fuzz.deflate_input import TAIL
from tests.fuzz.frame_input import PREFIX
from tests.fuzz.frame_mutator import Frame, change_payload, mutate, read_frames, write_frame

# A block marked as the last, blocks of no bytes, a reference to what was never sent.
INTERESTING = (
    b"\xf3\x48\xcd\xc9\xc9\x07\x00",
    b"\x03\x00",
    b"\x00\x00\x00\xff\xff",
    b"\x01\x00\x00\xff\xff",
    b"\xf2\x00\x11\x00\x00",
    b"\x07",
)
STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FIXED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE)


def deflate(payload: bytes, dice: random.Random) -> bytes:
    """Compress with any settings; in several blocks, now and then the last of a stream."""
    packer = zlib.compressobj(dice.randint(0, 9), zlib.DEFLATED, -15, 9, dice.choice(STRATEGIES))
    cut = dice.randint(0, len(payload))
    flushes = (zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_BLOCK)
    data = packer.compress(payload[:cut]) + packer.flush(dice.choice(flushes))
    data += packer.compress(payload[cut:])
    if dice.random() < 0.1:
        return data + packer.flush(zlib.Z_FINISH) + dice.choice((b"", b"\x00"))
    return (data + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def inflate(data: bytes) -> bytes:
    """Return what a payload inflates to as far as it does."""
    try:
        return zlib.decompressobj(-15).decompress(data + TAIL, 1 << 16)
    except zlib.error:
        return b""


def change(frames: list[Frame], dice: random.Random) -> None:
    """One change in place: a new message, other content, other blocks, damage."""
    what = dice.randrange(5)
    if what == 0 or not frames:
        payload = change_payload(b"surgewire " * dice.randint(0, 30), dice)
        frames.append((dice.choice((0xC1, 0xC2)), deflate(payload, dice)))
        return
    at = dice.randrange(len(frames))
    first, data = frames[at]
    if what == 1:
        frames[at] = (first | 0x40, deflate(change_payload(inflate(data), dice), dice))
    elif what == 2:
        frames[at] = (first | 0x40, data + dice.choice(INTERESTING))
    elif what == 3:
        frames[at] = (first, change_payload(data, dice))
    else:
        cut = dice.randint(0, len(data))
        frames[at : at + 1] = [(first & 0x7F, data[:cut]), (0x80, data[cut:])]


def mutate_deflate(data: bytes, max_size: int, seed: int) -> bytes:
    """Make another input; half of the time as that of the frame fuzzer."""
    dice = random.Random(seed)
    if dice.random() < 0.5 or len(data) < PREFIX:
        return mutate(data, max_size, seed)
    masked = bool(data[0] & 1)
    frames, rest = read_frames(data[PREFIX:], masked)
    for _ in range(dice.randint(1, 3)):
        change(frames, dice)
    stream = b"".join(write_frame(frame, masked, dice) for frame in frames)
    return (data[:PREFIX] + stream + rest)[:max_size]
