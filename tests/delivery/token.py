"""The marker, read by the rule that the documentation gives and not by our code."""

from typing import NamedTuple

PREFIX = b"SWX1"
LENGTH = 52
# Behind the prefix, digits of base 32: run 6, room 6, worker 2, sequence 8, planned 12 ...
_RUN, _ROOM, _WORKER = slice(4, 10), slice(10, 16), slice(16, 18)
_SEQUENCE, _PLANNED = slice(18, 26), slice(26, 38)


class Token(NamedTuple):
    """What a message says of itself; sequence 0 marks warm-up."""

    run: int
    room: int
    worker: int
    sequence: int
    planned_ns: int

    def __str__(self) -> str:
        return f"message {self.sequence} of worker {self.worker} in room {self.room}"


def find_token(payload: bytes) -> Token | None:
    """Return what the first marker says; None where there is none. It is taken to be sound."""
    start = payload.find(PREFIX)
    if start < 0:
        return None
    text = payload[start : start + LENGTH]
    return Token(*(int(text[part], 32) for part in (_RUN, _ROOM, _WORKER, _SEQUENCE, _PLANNED)))


def damage(payload: bytes, first: int, second: int) -> bytes:
    """Change the two characters that stand so many behind the prefix of the marker."""
    start = payload.find(PREFIX) + len(PREFIX)
    damaged = bytearray(payload)
    for place in {start + first, start + second}:
        damaged[place] = ord("0") if damaged[place] != ord("0") else ord("1")
    return bytes(damaged)
