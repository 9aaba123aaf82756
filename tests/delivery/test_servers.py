"""The servers and the proxy of the proof, checked with clients of the `websockets` library."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.delivery.clients import MESSAGES, USERS, check_heard, converse, numbers, of_user, text
from tests.delivery.faults import Dice, Fate, Faults
from tests.delivery.record import ENDS, WIRE, read_record
from tests.delivery.targets import SERVERS, independent, proxied
from tests.delivery.token import Token, damage, find_token
from tests.fuzz.marker_oracle import find_all


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("joining", [False, True], ids=["url", "join"])
def test_servers_record_what_clients_hear(name: str, joining: bool, tmp_path: Path) -> None:
    with independent(name, tmp_path) as target:
        heard = asyncio.run(converse(target.url, joining=joining))
    deeds = read_record(target.truth)
    received = [deed for deed in deeds if deed.event == "received"]
    assert sorted(numbers(received)) == list(range(1, MESSAGES + 1))
    assert Token(7, 3, 1, 1, 1_000_001) in [deed.token for deed in received]
    for user in range(USERS):
        sent = of_user(deeds, user, *WIRE)
        assert heard[user] == [text(number) for number in numbers(sent)]
        assert {deed.room for deed in sent} == {"3"}
        assert sorted(numbers(sent)) == list(range(1, MESSAGES + 1))
        assert [d.event for d in of_user(deeds, user, "opened", "joined", *ENDS)] == [
            "opened", "joined", "left",
        ]  # fmt: skip


@pytest.mark.parametrize("name", SERVERS)
def test_a_sender_may_be_left_out(name: str, tmp_path: Path) -> None:
    with independent(name, tmp_path, others=True) as target:
        heard = asyncio.run(converse(target.url, joining=False))
    for user, messages in heard.items():
        assert messages == [text(n) for n in range(1, MESSAGES + 1) if n % USERS != user]


@pytest.mark.parametrize("name", SERVERS)
def test_the_proxy_records_what_clients_hear(name: str, tmp_path: Path) -> None:
    shares = Faults(drop=0.1, duplicate=0.1, reorder=0.2, damage=0.1, delay=0.02, delay_s=0.05)
    with proxied(name, tmp_path, shares) as target:
        heard = asyncio.run(converse(target.url, joining=True))
    assert target.proxied is not None
    truth, deeds = read_record(target.truth), read_record(target.proxied)
    done = Counter(deed.event for deed in deeds)
    assert min(done[event] for event in ("dropped", "duplicated", "reordered", "damaged")) > 3
    for user in range(USERS):
        assert numbers(of_user(deeds, user, "seen")) == numbers(of_user(truth, user, *WIRE))
        check_heard(heard[user], of_user(deeds, user, *WIRE))
        fates = numbers(of_user(deeds, user, "sent", "damaged", "dropped", "unsent"))
        assert sorted(fates) == sorted(numbers(of_user(deeds, user, "seen")))


@pytest.mark.parametrize("name", SERVERS)
def test_the_proxy_cuts(name: str, tmp_path: Path) -> None:
    with proxied(name, tmp_path, Faults(cut=0.05, reorder=0.2)) as target:
        heard = asyncio.run(converse(target.url, joining=False, cut=True))
    assert target.proxied is not None
    deeds = read_record(target.proxied)
    cuts = 0
    for user in range(USERS):
        written = [text(number) for number in numbers(of_user(deeds, user, *WIRE))]
        assert heard[user] == written[: len(heard[user])]
        ends = of_user(deeds, user, "cut_close", "cut_eof", "cut_reset")
        cuts += len(ends)
        if not ends or ends[0].event == "cut_close":
            assert heard[user] == written
        # The server has noticed.
        assert len(of_user(read_record(target.truth), user, "left")) == 1
    assert cuts > 0


def test_a_seed_decides() -> None:
    faults = Faults(drop=0.1, duplicate=0.1, reorder=0.1, damage=0.1, delay=0.1, cut=0.01, seed=5)
    assert Faults.from_text(faults.to_text()) == faults

    def draws(faults: Faults, user: str, turn: int) -> list[Fate]:
        dice = Dice(faults, user, turn)
        return [dice.draw() for _ in range(100)]

    assert draws(faults, "1", 0) == draws(faults, "1", 0)
    for other in (
        draws(faults, "2", 0),
        draws(faults, "1", 1),
        draws(replace(faults, seed=6), "1", 0),
    ):
        assert other != draws(faults, "1", 0)
    # One fault more does not move the others.
    without = draws(replace(faults, drop=0.0), "1", 0)
    assert all(a.drop or a == b for a, b in zip(draws(faults, "1", 0), without, strict=True))


def test_damage_leaves_the_prefix_and_is_always_found() -> None:
    message = text(5).encode()
    for first in range(48):
        for second in range(first + 1, 48):
            damaged = damage(message, first, second)
            assert sum(a != b for a, b in zip(message, damaged, strict=True)) == 2
            assert find_all(damaged) == [(1, None)]
    assert find_token(message) == Token(7, 3, 1, 5, 1_000_005)
    assert find_token(b"SWX 1") is None
