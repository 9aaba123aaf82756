"""The marker by its definition, in plain Python: the other side of the fuzzer's comparison."""

from surgewire._core.marker import LENGTH, Marker

PREFIX = b"SWX1"
DIGITS = b"0123456789abcdefghijklmnopqrstuv"
COUNTS = (6, 6, 2, 8, 12, 8)
WEIGHTS = (444758425, 786033569, 253476060, 693370190, 339973279, 650205731, 132183658)
CHECK_OFFSET = 385364806
CHECK_PRIME = 2**30 - 35


def number(text: bytes) -> int:
    """The value of digits, most significant first; ValueError where one is no digit."""
    value = 0
    for character in text:
        value = value * 32 + DIGITS.index(character)
    return value


def check_of(body: bytes) -> int:
    """The check of the 42 digits between the prefix and the check field."""
    limbs = (number(body[at : at + 6]) for at in range(0, 42, 6))
    total = CHECK_OFFSET + sum(a * b for a, b in zip(limbs, WEIGHTS, strict=True))
    return total % CHECK_PRIME


def read(text: bytes) -> Marker | None:
    """What the characters behind a prefix say, or None when they are not sound."""
    if len(text) < LENGTH - len(PREFIX) or not set(text) <= set(DIGITS):
        return None
    if check_of(text[:42]) != number(text[42:]):
        return None
    fields = []
    at = 0
    for count in COUNTS:
        fields.append(number(text[at : at + count]))
        at += count
    return Marker(*fields)


def find_all(data: bytes) -> list[tuple[int, Marker | None]]:
    """Every prefix with what follows it; behind a sound marker the search goes on at its end."""
    found = []
    at = data.find(PREFIX)
    while at >= 0:
        marker = read(data[at + len(PREFIX) : at + LENGTH])
        found.append((at, marker))
        at = data.find(PREFIX, at + (LENGTH if marker else len(PREFIX)))
    return found
