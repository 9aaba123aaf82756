import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core import sizes as native
from surgewire._core.sizes import SizePicker
from surgewire.plan.sizes import MAX_PARTS, SizeDistribution, parse_sizes
from surgewire.plan.units import UnitError


@pytest.mark.parametrize(
    ("text", "kind", "parts", "least", "most"),
    [
        ("64", "fixed", (64,), 64, 64),
        (" 4k ", "fixed", (4096,), 4096, 4096),
        ("64..4k", "uniform", (64, 4096), 64, 4096),
        ("64..64", "uniform", (64, 64), 64, 64),
        ("100,1k,10k@70,25,5", "choice", ((100, 14), (1024, 5), (10240, 1)), 100, 10240),
        ("100, 1k @ 99.9%, 0.1%", "choice", ((100, 999), (1024, 1)), 100, 1024),
        ("1k,100", "choice", ((1024, 1), (100, 1)), 100, 1024),
    ],
)
def test_sizes_are_read(
    text: str, kind: str, parts: tuple[object, ...], least: int, most: int
) -> None:
    sizes = parse_sizes(text)
    assert (sizes.kind, sizes.parts) == (kind, parts)
    assert (sizes.least_bytes, sizes.most_bytes) == (least, most)
    assert parse_sizes(str(sizes)) == sizes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not a size"),
        ("big", "'big' is not a size"),
        ("64..", "'' is not a size"),
        ("4k..64", "'4k..64' goes down; write 64..4k"),
        ("100,1k@70", "has 2 sizes and 1 weights; write for example 64, 64..4k or 100,1k,10k@"),
        ("100,1k@70,25,5", "has 2 sizes and 3 weights"),
        ("100,1k@70,0", "has a bad weight '0'"),
        ("100,1k@70,-1", "has a bad weight '-1'"),
        ("100,1k@70,nan", "has a bad weight 'nan'"),
        ("100,1k@70,1/0", "has a bad weight '1/0'"),
        ("100,1k@70,1e300000", "has a bad weight"),
        ("100,,1k", "'' is not a size"),
        (",".join(["64"] * (MAX_PARTS + 1)), "has more than 64 sizes"),
        ("9" * 5000, "is not a size"),
    ],
)
def test_what_are_no_sizes_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_sizes(text)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert len(message) < 160


@given(
    st.builds(lambda size: SizeDistribution("fixed", (size,)), st.integers(0, 1 << 30))
    | st.builds(
        lambda size, more: SizeDistribution("uniform", (size, size + more)),
        st.integers(0, 1 << 20),
        st.integers(0, 1 << 20),
    )
    | st.lists(st.integers(0, 1 << 20), min_size=2, max_size=9).map(
        lambda sizes: SizeDistribution("choice", tuple((s, i + 1) for i, s in enumerate(sizes)))
    )
)
def test_sizes_come_back_from_their_text_and_suit_the_picker(sizes: SizeDistribution) -> None:
    assert parse_sizes(str(sizes)) == sizes
    picker = SizePicker(sizes.kind, sizes.parts, 1)
    assert picker.most_bytes == sizes.most_bytes
    assert all(sizes.least_bytes <= picker.next() <= sizes.most_bytes for _ in range(20))


def test_as_many_sizes_as_the_picker_takes() -> None:
    assert MAX_PARTS == native.MAX_PARTS
    many = parse_sizes(",".join(["64"] * MAX_PARTS))
    assert SizePicker(many.kind, many.parts, 1).next() == 64
    heaviest = parse_sizes(f"1,2@{10**6},0.001")
    assert SizePicker(heaviest.kind, heaviest.parts, 1).next() == 1
