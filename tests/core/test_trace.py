import csv
import errno
import os
from pathlib import Path

import pytest

from surgewire._core.trace import HEADER, Trace


def test_lines_are_those_of_the_header(tmp_path: Path) -> None:
    path = tmp_path / "trace.0"
    trace = Trace(path)
    trace.write_line(1, b"delivered", 2, 3, 4, 5, 6, b"late")
    trace.write_line(-1, b"sent", 2**32 - 1, 2**32 - 1, 1023, 2**64 - 1, 2**63 - 1)
    trace.write_note(7, b"damaged", 8, 9)
    trace.close()
    trace.close()
    lines = path.read_text().splitlines()
    assert lines == [
        HEADER,
        "1,delivered,2,3,4,5,6,late",
        f"-1,sent,{2**32 - 1},{2**32 - 1},1023,{2**64 - 1},{2**63 - 1},",
        "7,damaged,8,9,,,,",
    ]
    with path.open() as file:
        assert [line["worker"] for line in csv.DictReader(file)] == ["4", "1023", ""]


def test_what_was_there_before_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "trace"
    path.write_text("old\n" * 100)
    Trace(path).close()
    assert path.read_text() == HEADER + "\n"


def test_closed_trace_takes_no_more(tmp_path: Path) -> None:
    trace = Trace(tmp_path / "trace")
    trace.close()
    trace.write_line(1, b"sent", 1, 1, 1, 1, 1)
    trace.write_note(1, b"damaged", 1, 1)
    assert trace.error is None
    assert (tmp_path / "trace").read_text() == HEADER + "\n"


def test_file_is_written_when_the_trace_is_let_go(tmp_path: Path) -> None:
    Trace(tmp_path / "trace").write_note(1, b"damaged", 1, 1)
    assert (tmp_path / "trace").read_text().endswith("1,damaged,1,1,,,,\n")


def test_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Trace(tmp_path / "nowhere" / "trace")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_full_disk_is_told_once_and_ends_the_trace() -> None:
    trace = Trace("/dev/full")
    for _ in range(20_000):
        trace.write_line(1, b"delivered", 2, 3, 4, 5, 6)
    assert trace.error == os.strerror(errno.ENOSPC)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        trace.close()
    trace.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_what_does_not_fit_at_the_end_is_told() -> None:
    trace = Trace("/dev/full")
    trace.write_note(1, b"damaged", 1, 1)
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        trace.close()
    assert trace.error == os.strerror(errno.ENOSPC)
