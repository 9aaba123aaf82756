from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import marker
from surgewire._core.chat_faults import ChatFaults

DELIVERIES = [(receiver, message) for receiver in range(100) for message in range(200)]
SHARES = {"drop": 10_000, "duplicate": 20_000, "reorder": 50_000, "damage": 100_000}

keys = st.integers(0, 2**64 - 1)


def fates(faults: ChatFaults) -> list[set[str]]:
    return [faults.fates(*delivery) for delivery in DELIVERIES]


def test_no_faults() -> None:
    faults = ChatFaults(3)
    assert not faults.active
    assert not any(fates(faults))


@pytest.mark.parametrize("name", SHARES)
@pytest.mark.parametrize("ppm", [1, 1_000_000])
def test_one_fault_alone(name: str, ppm: int) -> None:
    faults = ChatFaults(3, **{f"{name}_ppm": ppm})
    assert faults.active
    if ppm == 1_000_000:
        assert all(fate == {name} for fate in fates(faults))
    else:
        assert sum(map(bool, fates(faults))) <= 3


def test_shares_are_kept() -> None:
    faults = ChatFaults(5, **{f"{name}_ppm": ppm for name, ppm in SHARES.items()})
    counted = Counter(name for fate in fates(faults) for name in fate)
    for name, ppm in SHARES.items():
        share = ppm / 1e6 * (1 if name == "drop" else 0.99)
        share *= 1 if name in ("drop", "damage") else 0.9
        assert counted[name] / len(DELIVERIES) == pytest.approx(share, rel=0.15)


def test_what_is_dropped_or_damaged_suffers_nothing_else() -> None:
    faults = ChatFaults(5, **{f"{name}_ppm": 400_000 for name in SHARES})
    found = {frozenset(fate) for fate in fates(faults)}
    assert found == {
        frozenset(),
        frozenset({"drop"}),
        frozenset({"damage"}),
        frozenset({"duplicate"}),
        frozenset({"reorder"}),
        frozenset({"duplicate", "reorder"}),
    }


def test_the_seed_decides() -> None:
    shares = {f"{name}_ppm": ppm for name, ppm in SHARES.items()}
    first = fates(ChatFaults(1, **shares))
    assert first == fates(ChatFaults(1, **shares))
    assert first != fates(ChatFaults(2, **shares))


def test_a_share_changes_nothing_in_what_the_others_befall() -> None:
    alone = fates(ChatFaults(9, reorder_ppm=100_000))
    beside = fates(ChatFaults(9, reorder_ppm=100_000, duplicate_ppm=500_000))
    assert ["reorder" in fate for fate in alone] == ["reorder" in fate for fate in beside]


def test_receivers_of_one_message_do_not_share_its_fate() -> None:
    faults = ChatFaults(9, drop_ppm=500_000)
    for message in range(50):
        dropped = sum(bool(faults.fates(receiver, message)) for receiver in range(200))
        assert 60 < dropped < 140


@settings(max_examples=200)
@given(keys, keys, keys, st.integers(0, 2**40 - 1))
def test_damage_changes_two_characters_and_is_found(
    seed: int, receiver: int, message: int, sequence: int
) -> None:
    sound = marker.encode(1, 2, 3, sequence, 4, 5)
    damaged = ChatFaults(seed).damaged(receiver, message, sound)
    assert damaged[:4] == sound[:4]
    assert sum(a != b for a, b in zip(sound, damaged, strict=True)) == 2
    assert set(damaged[4:]) <= set(b"0123456789abcdefghijklmnopqrstuv")
    assert marker.find_all(bytearray(damaged)) == [(0, None)]


def test_damage_strikes_every_place() -> None:
    sound = marker.encode(1, 2, 3, 4, 5, 6)
    struck = set()
    for message in range(1000):
        damaged = ChatFaults(1).damaged(1, message, sound)
        struck |= {i for i, (a, b) in enumerate(zip(sound, damaged, strict=True)) if a != b}
    assert struck == set(range(4, marker.LENGTH))


@pytest.mark.parametrize("ppm", [-1, 1_000_001])
def test_a_share_that_is_none(ppm: int) -> None:
    with pytest.raises(ValueError, match="parts per million"):
        ChatFaults(1, drop_ppm=ppm)


def test_a_marker_of_another_length() -> None:
    with pytest.raises(ValueError, match="52 bytes"):
        ChatFaults(1).damaged(1, 1, b"SWX1")
