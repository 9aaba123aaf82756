"""A run seen from its journal."""

import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from surgewire.engine.journal import JournalWriter
from surgewire.engine.journal_format import JournalError
from surgewire.report import watch
from surgewire.report.watch import farewell, watch_run
from surgewire.results.record import IntervalRecord, Record
from surgewire.results.sparse import SparseHistogram
from surgewire.results.verdict import Status
from tests.results.samples import echo_run


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_POLL_S", 0.001)


class Run:
    """A run that goes on one record at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal.bin"
        self.writer = JournalWriter(self.journal)

    def append(self, *records: Record) -> None:
        for record in records:
            self.writer.append(record)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    run = Run(tmp_path)
    yield run
    run.writer.close()


class Eye(io.StringIO):
    """A stream that tells when a text was written to it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self.seen = threading.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        if self._text in self.getvalue():
            self.seen.set()
        return written


def test_a_run_is_followed_to_its_end(run: Run) -> None:
    records = echo_run()
    run.append(*records[:8])
    eye = Eye("sending")

    def go_on() -> None:
        assert eye.seen.wait(20)
        run.append(*records[8:])
        run.writer.close()

    rest = threading.Thread(target=go_on)
    rest.start()
    result = watch_run(run.folder, run.journal, stream=eye)
    rest.join()
    assert result.verdict.status is Status.PASS
    assert list(farewell(result, run.folder)) == [
        "Verdict  PASS",
        f"Report   surgewire report {run.folder}",
    ]


def test_a_run_that_is_over_is_shown_as_it_ended(run: Run) -> None:
    run.append(*echo_run()[:9])
    run.writer.close()
    result = watch_run(run.folder, run.journal, stream=io.StringIO())
    verdict, _ = farewell(result, run.folder)
    assert verdict.startswith("Verdict  INTERRUPTED  no end: killed, or out of disk, after ")


def test_a_reader_that_left_ends_the_watching(run: Run) -> None:
    run.append(*echo_run()[:9])
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        with pytest.raises(BrokenPipeError):
            watch_run(run.folder, run.journal, stream=stream)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, writing)
        os.close(nowhere)


def test_a_journal_without_a_record_has_nothing_to_show(run: Run) -> None:
    run.writer.close()
    with pytest.raises(JournalError, match="no whole record"):
        watch_run(run.folder, run.journal, stream=io.StringIO())


def test_figures_that_do_not_fit_are_refused(run: Run) -> None:
    wrong = SparseHistogram(b"\xff\xff\xff\x7f", b"\1" + b"\0" * 7, 5, 0, 1, 4)
    run.append(echo_run()[0], IntervalRecord(1.0, 1.0, "sending", {}, {}, {"tls_time": wrong}))
    with pytest.raises(JournalError, match=r"journal\.bin: .+"):
        watch_run(run.folder, run.journal, stream=io.StringIO())
