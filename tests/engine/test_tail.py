import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from surgewire.engine import tail as tail_module
from surgewire.engine.journal import JournalWriter
from surgewire.engine.journal_format import JournalError
from surgewire.engine.run import load_run
from surgewire.engine.tail import JournalTail
from surgewire.results.record import EndRecord, EventRecord
from surgewire.results.verdict import Status
from tests.engine.test_journal import RECORDS, FullDisk
from tests.integration.conftest import eventually

ROOT = Path(__file__).parents[2]
LONG = EventRecord(1.0, "note", {"text": os.urandom(2000).hex()})


@pytest.fixture
def journal(tmp_path):
    writer = JournalWriter(tmp_path / "journal.bin")
    writer.append(RECORDS[0])
    yield writer, tmp_path / "journal.bin"
    writer.close()


def test_records_come_as_they_are_written(journal):
    writer, path = journal
    with JournalTail(path) as tail:
        for record in RECORDS[1:]:
            list(tail.follow())
            assert tail.running
            assert list(tail.follow()) == []
            writer.append(record)
        assert list(tail.follow()) == [RECORDS[-1]]
        # The end is written, the result perhaps not yet.
        assert tail.running
        writer.close()
        assert list(tail.follow()) == []
        assert not tail.running


def test_what_is_written_between_reading_and_asking_is_not_missed(journal, monkeypatch):
    writer, path = journal
    with JournalTail(path) as tail:
        ask = tail._writer_lives

        def late(self):
            writer.append(RECORDS[1])
            writer.close()
            return ask()

        monkeypatch.setattr(JournalTail, "_writer_lives", late)
        assert list(tail.follow()) == list(RECORDS[:2])
        assert not tail.running


def test_half_a_record_is_waited_for(journal, tmp_path):
    writer, path = journal
    writer.append(LONG)
    writer.append(RECORDS[1])
    data = path.read_bytes()
    copy = tmp_path / "copy.bin"
    with copy.open("wb", buffering=0) as file:
        file.write(data[:8])
        with JournalTail(copy) as tail:
            seen = []
            for at in range(8, len(data)):
                file.write(data[at : at + 1])
                seen += tail.read()
                if seen and seen[-1] == LONG:
                    break
            assert seen == [RECORDS[0], LONG]
            assert tail.torn_bytes == 0
            file.write(data[at + 1 :])
            assert list(tail.read()) == [RECORDS[1]]


def test_a_record_that_is_cut_back_is_never_believed(journal, monkeypatch):
    writer, path = journal
    with JournalTail(path) as tail:
        assert list(tail.follow()) == [RECORDS[0]]
        with monkeypatch.context() as patch:
            disk = FullDisk(patch)
            disk.room = 1000
            truncate = os.truncate

            def look_first(fd, length):
                # What is there of it is read, and left where it is.
                assert path.stat().st_size > length
                assert list(tail.follow()) == []
                assert tail.torn_bytes == 1000
                truncate(fd, length)

            patch.setattr(os, "truncate", look_first)
            assert not writer.append(LONG)
            assert list(tail.follow()) == []
        writer.append(RECORDS[1])
        assert list(tail.follow()) == [LONG, RECORDS[1]]


def test_other_bytes_in_the_place_of_torn_ones_are_seen(journal):
    writer, path = journal
    whole = path.stat().st_size
    writer.append(RECORDS[1])
    data = path.read_bytes()
    os.truncate(path, whole)
    with JournalTail(path) as tail, path.open("r+b", buffering=0) as file:
        file.seek(whole)
        file.write(b"\x05\0\0\0" + b"garbage that was never whole")
        assert list(tail.read()) == [RECORDS[0]]
        file.seek(whole)
        file.write(data[whole:])
        file.truncate(len(data))
        assert list(tail.read()) == [RECORDS[1]]


WRITER = """
import sys, time
from pathlib import Path
from surgewire.engine.journal import JournalWriter
from tests.engine.test_journal import RECORDS
writer = JournalWriter(Path(sys.argv[1]))
writer.append(RECORDS[0])
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_writer_that_is_killed_runs_no_more(tmp_path, number):
    path = tmp_path / "journal.bin"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout.readline() == b"ready\n"
        with JournalTail(path) as tail:
            assert list(tail.follow()) == [RECORDS[0]]
            assert tail.running
            assert load_run(tmp_path).verdict.status is Status.RUNNING
            os.kill(writer.pid, signal.SIGSTOP)
            list(tail.follow())
            assert tail.running, "a writer that stands still has not ended"
            os.kill(writer.pid, number)
            os.kill(writer.pid, signal.SIGCONT)
            assert eventually(lambda: not any(tail.follow()) and not tail.running)
    found = load_run(tmp_path)
    assert found.verdict.status is Status.INTERRUPTED
    assert "killed" in found.verdict.reasons[0]


def test_readers_do_not_take_each_other_for_the_writer(journal):
    writer, path = journal
    with JournalTail(path) as one, JournalTail(path) as other:
        list(one.follow())
        writer.close()
        for tail in (one, other, one):
            list(tail.follow())
            assert not tail.running


def test_without_locks_the_age_of_the_file_tells(journal, monkeypatch):
    writer, path = journal

    def refuse(*arguments):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with JournalTail(path) as tail:
        list(tail.follow())
        assert tail.running
        long_ago = time.time() - tail_module._SILENCE_S - 1
        os.utime(path, (long_ago, long_ago))
        list(tail.follow())
        assert not tail.running
    with JournalTail(path) as tail:
        writer.append(EndRecord(1.0, "finished"))
        list(tail.follow())
        assert not tail.running
    # A journal is written all the same.
    JournalWriter(path.parent / "other.bin").close()


def test_a_journal_that_vanishes_or_is_none_is_an_error(tmp_path):
    with pytest.raises(JournalError, match="does not exist"):
        JournalTail(tmp_path / "nothing")
    (tmp_path / "text").write_text("something else")
    with pytest.raises(JournalError, match="text is no journal"):
        JournalTail(tmp_path / "text")
    with pytest.raises(JournalError, match="cannot be read"):
        JournalTail(tmp_path)
