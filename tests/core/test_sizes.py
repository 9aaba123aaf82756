from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core.sizes import MAX_PARTS, SizePicker

MASK = 2**64 - 1


def splitmix(seed: int) -> Any:
    """The published generator, written out again."""
    state = seed & MASK
    while True:
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & MASK
        yield z ^ z >> 31


def drawn(picker: SizePicker, count: int) -> list[int]:
    return [picker.next() for _ in range(count)]


@given(size=st.integers(0, 1 << 30), seed=st.integers())
def test_fixed_size(size: int, seed: int) -> None:
    picker = SizePicker("fixed", (size,), seed)
    assert drawn(picker, 3) == [size] * 3
    assert picker.most_bytes == size


@given(least=st.integers(0, 1 << 20), more=st.integers(0, 1 << 20), seed=st.integers(0, MASK))
def test_uniform_sizes_are_those_of_the_generator(least: int, more: int, seed: int) -> None:
    picker = SizePicker("uniform", (least, least + more), seed)
    wanted = [least + bits % (more + 1) for bits, _ in zip(splitmix(seed), range(20), strict=False)]
    assert drawn(picker, 20) == wanted
    assert picker.most_bytes == least + more


def test_uniform_sizes_come_all_and_equally_often() -> None:
    counts = Counter(drawn(SizePicker("uniform", (64, 73), 7), 10_000))
    assert sorted(counts) == list(range(64, 74))
    # 1,000 of each are expected; 150 is five standard deviations.
    assert all(850 < count < 1150 for count in counts.values())


def test_choices_come_by_their_weights() -> None:
    picker = SizePicker("choice", ((100, 70), (1024, 25), (10240, 5)), 1)
    counts = Counter(drawn(picker, 10_000))
    assert picker.most_bytes == 10240
    for size, share in ((100, 0.70), (1024, 0.25), (10240, 0.05)):
        assert abs(counts.pop(size) / 10_000 - share) < 0.025
    assert not counts


@given(
    weights=st.lists(st.integers(1, 50), min_size=1, max_size=MAX_PARTS), seed=st.integers(0, MASK)
)
def test_choices_are_those_of_the_generator(weights: list[int], seed: int) -> None:
    ends = [sum(weights[: i + 1]) for i in range(len(weights))]
    assert all(first < last for first, last in pairwise(ends))
    picker = SizePicker("choice", list(enumerate(weights)), seed)
    for bits, _ in zip(splitmix(seed), range(20), strict=False):
        assert picker.next() == next(i for i, end in enumerate(ends) if bits % ends[-1] < end)


def test_seed_decides() -> None:
    first, again, other = (SizePicker("uniform", (0, 1 << 30), seed) for seed in (5, 5, 6))
    sizes = drawn(first, 10)
    assert sizes == drawn(again, 10)
    assert sizes != drawn(other, 10)


@pytest.mark.parametrize(
    ("kind", "parts"),
    [
        ("gaussian", (1,)),
        ("fixed", ()),
        ("fixed", (-1,)),
        ("fixed", (1 << 31,)),
        ("uniform", (2, 1)),
        ("uniform", (1,)),
        ("choice", ()),
        ("choice", ((1, 0),)),
        ("choice", ((-1, 1),)),
        ("choice", [(1, 1)] * (MAX_PARTS + 1)),
    ],
)
def test_senseless_parts_are_refused(kind: str, parts: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        SizePicker(kind, parts, 1)
