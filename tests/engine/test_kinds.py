import mmap
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.engine.kinds import CAPACITY, KIND_TABLE_BYTES, KindTable


def memory():
    return np.zeros(KIND_TABLE_BYTES, np.uint8)


@given(
    st.lists(st.tuples(st.sampled_from(["dns", "eof", "close_1006"]), st.integers(0, 9))),
)
def test_counts_are_those_of_a_dict(added):
    table, expected = KindTable(memory()), {}
    for kind, n in added:
        table.add(kind, n)
        expected[kind] = expected.get(kind, 0) + n
    assert table.counts() == expected


@pytest.mark.parametrize("kind", ["", "Bad", "a b", "ä", "x" * 49, "<script>", "a\n", "other"])
def test_what_is_no_stable_kind_is_other(kind):
    table = KindTable(memory())
    table.add(kind, 2)
    table.add("dns")
    assert table.counts() == {"dns": 1, "other": 2}


def test_longest_name_fits():
    table = KindTable(memory())
    table.add("x" * 48)
    assert table.counts() == {"x" * 48: 1}


def test_overflow_is_other_and_known_kinds_still_count():
    table = KindTable(memory())
    for i in range(CAPACITY + 6):
        table.add(f"close_{i}")
    table.add("close_0", 4)
    counts = table.counts()
    assert len(counts) == CAPACITY + 1
    assert counts["other"] == 6
    assert counts["close_0"] == 5


def test_a_second_table_over_the_same_memory_goes_on():
    shared = memory()
    first, second = KindTable(shared), KindTable(shared)
    first.add("dns")
    first.add("eof", 3)
    second.add("eof")
    second.add("worker_died", 7)
    assert second.counts() == {"dns": 1, "eof": 4, "worker_died": 7}
    assert first.counts() == second.counts()


def test_counts_never_shrink():
    with pytest.raises(ValueError, match="only grow"):
        KindTable(memory()).add("dns", -1)


def test_size_of_memory_is_checked():
    with pytest.raises(ValueError, match="bytes"):
        KindTable(np.zeros(8, np.uint8))


def test_reader_never_sees_a_half_written_name():
    shared = np.frombuffer(mmap.mmap(-1, KIND_TABLE_BYTES), np.uint8)
    pid = os.fork()
    if pid == 0:
        table = KindTable(shared)
        for i in range(CAPACITY):
            table.add(f"{i:048d}")
        os._exit(0)
    reader, done = KindTable(shared), 0
    while not done:
        done, status = os.waitpid(pid, os.WNOHANG)
        assert all(len(kind) == 48 for kind in reader.counts())
    assert status == 0
    assert len(reader.counts()) == CAPACITY
