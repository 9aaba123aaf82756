"""Changes inputs of the marker fuzzer, and mends check fields, which chance would never hit."""

import random

from surgewire._core.marker import LENGTH
from tests.fuzz.marker_oracle import DIGITS, PREFIX, check_of

EDGES = b"/09:`avwASWX1\x00\x80\xff"
CHECK = 6


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Return another input made of `data`, at most `max_size` bytes long."""
    rng = random.Random(seed)
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        change(changed, rng)
    if rng.random() < 0.7:
        mend_checks(changed, rng)
    return bytes(changed[:max_size])


def change(data: bytearray, rng: random.Random) -> None:
    """Make one change in place."""
    at = rng.randint(0, len(data))
    end = min(len(data), at + rng.choice((1, 1, 1, 2, 8, 52)))
    match rng.randrange(6):
        case 0:
            data[at:end] = bytes(rng.choice(EDGES) for _ in range(end - at))
        case 1:
            data[at:end] = bytes(rng.choice(DIGITS) for _ in range(end - at))
        case 2:
            del data[at:end]
        case 3:
            data[at:at] = data[at:end]
        case 4:
            data[at:at] = PREFIX + bytes(rng.choice(DIGITS) for _ in range(LENGTH - len(PREFIX)))
        case _ if at < end:
            data[at] ^= 1 << rng.randrange(8)


def mend_checks(data: bytearray, rng: random.Random) -> None:
    """Give each body of digits behind a prefix its right check, or now and then one more."""
    at = data.find(PREFIX)
    while at >= 0:
        start, end = at + len(PREFIX), at + LENGTH - CHECK
        body = bytes(data[start:end])
        if end + CHECK <= len(data) and set(body) <= set(DIGITS):
            check = check_of(body) + (rng.random() < 0.1)
            data[end : end + CHECK] = bytes(DIGITS[check >> 5 * i & 31] for i in range(5, -1, -1))
        at = data.find(PREFIX, start)
