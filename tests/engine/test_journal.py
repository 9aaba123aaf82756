import errno
import os
import struct
import zlib
from itertools import pairwise
from pathlib import Path

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire.engine import journal as journal_module
from surgewire.engine import journal_format
from surgewire.engine.journal import JournalReader, JournalWriter, read_journal
from surgewire.engine.journal_format import MAGIC, JournalError
from surgewire.results.record import EndRecord, EventRecord, IntervalRecord, StartRecord
from surgewire.results.sparse import SparseHistogram

RECORDS = (
    StartRecord(1, "a-run", "2026-01-31T12:00:00Z", {"kind": "echo"}, "0.1.0", {"cpus": 2}),
    EventRecord(0.0, "phase", {"phase": "connecting"}),
    IntervalRecord(
        1.0,
        1.0,
        "connecting",
        # Long enough to be compressed.
        {"sent": 3} | {f"counter_{n}": 0 for n in range(40)},
        {"open": 2},
        {"connect_time": SparseHistogram(b"\x01\0\0\0", b"\x02" + b"\0" * 7, 5, 0, 1, 4)},
        {"dns": 1},
    ),
    EndRecord(1.5, "finished"),
)


def write(path, records=RECORDS):
    writer = JournalWriter(path)
    ends = [path.stat().st_size]
    for record in records:
        assert writer.append(record)
        ends.append(path.stat().st_size)
    writer.close()
    return ends


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("journal") / "journal.bin"
    ends = write(path)
    return path.read_bytes(), ends


def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "journal.bin"
    ends = write(path)
    assert ends == sorted(set(ends))
    assert path.read_bytes().startswith(MAGIC + b"\x02\x00")
    contents = read_journal(path)
    assert contents.records == RECORDS
    assert contents.torn_bytes == 0


OF_FORMAT_1 = (
    b"SWJRNL\x01\x008\x01\x00\x00\xd8\x0e#L\x92\xa5start\x86\xa6format\x01\xa6run_id\xa5a-run"
    b"\xaastarted_at\xb42026-01-31T12:00:00Z\xa4plan\x82\xa4kind\xa4echo\xa3url\xd9\xc8"
    + b"x"
    * 200
    + b"\xa7version\xa50.1.0\xa7machine\x81\xa4cpus\x02"
    b":\x00\x00\x00ge>\xb1\x92\xa5event\x83\xa4at_s\xcb\x00\x00\x00\x00\x00\x00\x00\x00"
    b"\xa4kind\xa5phase\xa6detail\x81\xa5phase\xaaconnecting"
    b"$\x00\x00\x00\x11\x85\x90\xbb\x92\xa3end\x82\xa4at_s\xcb?\xf8\x00\x00\x00\x00\x00\x00"
    b"\xa6reason\xa8finished"
)


def test_a_journal_of_format_1_is_read(tmp_path):
    path = tmp_path / "journal.bin"
    path.write_bytes(OF_FORMAT_1)
    start, phase, end = read_journal(path).records
    assert (start.run_id, start.plan["url"]) == ("a-run", "x" * 200)
    assert phase == EventRecord(0.0, "phase", {"phase": "connecting"})
    assert end == EndRecord(1.5, "finished")


def test_long_records_are_compressed_and_short_ones_are_not(tmp_path):
    ends = write(tmp_path / "journal.bin")
    data = (tmp_path / "journal.bin").read_bytes()
    sizes = [after - before for before, after in pairwise(ends)]
    flags = [data[end + 3] >> 7 for end in ends[:-1]]
    assert flags == [0, 0, 1, 0]
    assert sizes[2] < 400 < len(msgpack.packb(RECORDS[2].to_dict()))
    assert ends[0] == 8


def test_what_does_not_become_shorter_is_left_as_it_is():
    frame = journal_format.encode(EventRecord(0.0, "note", {"noise": os.urandom(1000)}))
    assert frame[3] >> 7 == 0
    assert len(frame) > 1000


def test_a_record_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "journal.bin"
    write(path)
    monkeypatch.setattr(journal_format, "_MAX_BODY_BYTES", 500)
    with pytest.raises(JournalError, match=r"byte \d+: a record of more than"):
        read_journal(path)


def test_a_record_is_in_the_file_when_append_returns(tmp_path):
    writer = JournalWriter(tmp_path / "journal.bin")
    writer.append(RECORDS[0])
    assert read_journal(tmp_path / "journal.bin").records == RECORDS[:1]
    writer.close()
    writer.close()
    assert writer.fileno() == -1


def test_torn_at_any_byte_it_is_read_up_to_the_last_whole_record(whole, tmp_path):
    data, ends = whole
    path = tmp_path / "torn.bin"
    for size in range(ends[0], len(data) + 1):
        path.write_bytes(data[:size])
        contents = read_journal(path)
        n = sum(end <= size for end in ends) - 1
        assert contents.records == RECORDS[:n]
        assert contents.torn_bytes == size - ends[n]


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 10_000), tail=st.binary(min_size=1, max_size=40), data=st.data())
def test_garbage_at_the_end_is_dropped(whole, tmp_path_factory, position, tail, data):
    sound, ends = whole
    n = data.draw(st.integers(0, len(RECORDS)))
    path = tmp_path_factory.getbasetemp() / "garbage.bin"
    path.write_bytes(sound[: ends[n]] + tail)
    try:
        contents = read_journal(path)
    except JournalError:
        # The tail happens to be a record with the right check sum: practically never.
        pytest.fail("garbage was taken for a record")
    assert contents.records == RECORDS[:n]
    assert contents.torn_bytes == len(tail)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_bit_ends_what_is_believed(whole, tmp_path_factory, data):
    sound, ends = whole
    position = data.draw(st.integers(ends[0], len(sound) - 1))
    bit = data.draw(st.integers(0, 7))
    damaged = bytearray(sound)
    damaged[position] ^= 1 << bit
    path = tmp_path_factory.getbasetemp() / "damaged.bin"
    path.write_bytes(damaged)
    contents = read_journal(path)
    n = sum(end <= position for end in ends) - 1
    assert contents.records == RECORDS[:n]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no journal"),
        (b"SWJR", "no journal"),
        (b"SWJRNL\x01", "no journal"),
        (b"PK\x03\x04" + b"x" * 50, "no journal"),
        (MAGIC + b"\x03\x00", "newer than this version reads"),
        (MAGIC + b"\x00\x00", "unknown format 0"),
    ],
)
def test_what_is_no_journal_is_refused(tmp_path, data, message):
    path = tmp_path / "journal.bin"
    path.write_bytes(data)
    with pytest.raises(JournalError, match=message) as raised:
        read_journal(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(JournalError, match="does not exist"):
        read_journal(tmp_path / "nothing")
    with pytest.raises(JournalError, match="cannot be read"):
        read_journal(tmp_path)


def frame_of(pair):
    body = msgpack.packb(pair)
    checksum = zlib.crc32(len(body).to_bytes(4, "little") + body)
    return struct.pack("<II", len(body), checksum) + body


def test_records_of_a_newer_minor_version_are_left_out(tmp_path):
    path = tmp_path / "journal.bin"
    write(path, RECORDS[:1])
    with path.open("ab") as file:
        file.write(frame_of(["weather", {"sunny": True}]))
        file.write(frame_of(["end", {"at_s": 1.0, "reason": "finished", "mood": "good"}]))
    assert read_journal(path).records == (RECORDS[0], EndRecord(1.0, "finished"))


def test_a_sound_frame_with_nonsense_in_it_is_an_error(tmp_path):
    path = tmp_path / "journal.bin"
    write(path, RECORDS[:1])
    with path.open("ab") as file:
        file.write(frame_of(["end", {"at_s": "soon"}]))
    with pytest.raises(JournalError, match="at_s"):
        read_journal(path)


def test_an_existing_file_is_never_written_over(tmp_path):
    path = tmp_path / "journal.bin"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        JournalWriter(path)
    assert path.read_text() == "precious"


class FullDisk:
    """Lets `room` more bytes onto the disk, counted over all files."""

    def __init__(self, monkeypatch):
        self.room = 0
        self._pwrite = os.pwrite
        monkeypatch.setattr(os, "pwrite", self)

    def __call__(self, fd, data, offset):
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written = self._pwrite(fd, data[: self.room], offset)
        self.room -= written
        return written


@pytest.mark.parametrize("room", [0, 1, 7, 8, 30, 60])
def test_a_full_disk_leaves_no_torn_record_and_loses_none(tmp_path, monkeypatch, room):
    path = tmp_path / "journal.bin"
    writer = JournalWriter(path)
    assert writer.append(RECORDS[0])
    sound = path.read_bytes()
    with monkeypatch.context() as patch:
        disk = FullDisk(patch)
        disk.room = min(room, 40)
        assert not writer.append(RECORDS[1])
        assert writer.failure == "no space left on device"
        assert path.read_bytes() == sound
        disk.room = min(room, 40)
        assert not writer.append(RECORDS[2])
        assert path.read_bytes() == sound
    assert writer.append(RECORDS[3])
    assert writer.failure is None
    assert writer.dropped == 0
    writer.close()
    assert read_journal(path) == journal_module.JournalContents(RECORDS, 0)


def test_what_cannot_be_kept_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(journal_module, "_BACKLOG_BYTES", 120)
    path = tmp_path / "journal.bin"
    writer = JournalWriter(path)
    writer.append(RECORDS[0])
    events = [EventRecord(float(i), "note", {"text": "x" * 20}) for i in range(10)]
    with monkeypatch.context() as patch:
        FullDisk(patch)
        for event in events:
            assert not writer.append(event)
    assert writer.append(RECORDS[3])
    writer.close()
    kept = 10 - writer.dropped
    assert 0 < kept < 10
    assert read_journal(path).records == (RECORDS[0], *events[-kept:], RECORDS[3])


def test_reading_while_it_is_written(tmp_path):
    writer = JournalWriter(tmp_path / "journal.bin")
    writer.append(RECORDS[0])
    reader = iter(JournalReader(tmp_path / "journal.bin"))
    assert next(reader) == RECORDS[0]
    writer.append(RECORDS[1])
    assert list(reader) == []
    writer.close()


def test_memory_of_reading_is_that_of_a_record(tmp_path):
    reader = JournalReader(Path(tmp_path / "journal.bin"))
    write(tmp_path / "journal.bin")
    assert [type(record) for record in reader] == [type(record) for record in RECORDS]
    assert reader.torn_bytes == 0
