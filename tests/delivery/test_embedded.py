"""The record of the embedded chat target, checked with clients of the `websockets` library.

What the target writes down is the truth of most of this proof; here it is held against what clients
hear that have nothing of ours in them.
"""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.delivery.clients import MESSAGES, USERS, check_heard, converse, numbers, of_user
from tests.delivery.record import CUTS, WIRE, read_record
from tests.delivery.targets import embedded
from tests.delivery.truth import FATES, truth_of

FAULTS = ("--drop", "10%", "--duplicate", "10%", "--reorder", "20%", "--damage", "10%")


@pytest.mark.parametrize("joining", [False, True], ids=["url", "join"])
@pytest.mark.parametrize("delay", ["fixed:0ms", "mix:0ms@90,30ms@10"])
def test_it_records_what_clients_hear(delay: str, joining: bool, tmp_path: Path) -> None:
    options = (*FAULTS, "--delay-distribution", delay, "--seed", "3")
    with embedded(tmp_path, *options) as target:
        heard = asyncio.run(converse(target.url, joining=joining))
    deeds = read_record(target.truth)
    assert truth_of(deeds).differences == []
    done = Counter(deed.event for deed in deeds)
    assert min(done[event] for event in ("dropped", "duplicated", "reordered", "damaged")) > 3
    received = [deed for deed in deeds if deed.event == "received"]
    assert sorted(numbers(received)) == list(range(1, MESSAGES + 1))
    for user in range(USERS):
        check_heard(heard[user], of_user(deeds, user, *WIRE))
        assert sorted(numbers(of_user(deeds, user, *FATES))) == list(range(1, MESSAGES + 1))


def test_it_records_its_cuts(tmp_path: Path) -> None:
    with embedded(tmp_path, "--cut", "90%/s", "--seed", "2") as target:
        heard = asyncio.run(converse(target.url, joining=False, cut=True))
    deeds = read_record(target.truth)
    ends = [of_user(deeds, user, *CUTS) for user in range(USERS)]
    assert sum(map(len, ends)) > 0
    for user in range(USERS):
        wire = of_user(deeds, user, *WIRE)
        # An end of stream, or a reset, may overtake what was written.
        overtaken = ends[user] and ends[user][0].event in ("cut_eof", "cut_reset")
        check_heard(heard[user], wire[: len(heard[user])] if overtaken else wire)
        if ends[user]:
            after = deeds[deeds.index(ends[user][0]) + 1 :]
            assert of_user(after, user, *WIRE) == []
