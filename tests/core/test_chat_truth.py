import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire._core.chat_truth import EVENTS, TRUTH_HEADER, ChatTruth, field


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_field_reads_back(text: str) -> None:
    line = b"1," + field(text) + b",2\n"
    rows = list(csv.reader(io.StringIO(line.decode(), newline="")))
    assert rows == [["1", text, "2"]]


def test_a_field_that_is_no_text_of_unicode() -> None:
    assert field("\ud800") == b"\\ud800"


def test_the_header_is_written(tmp_path: Path) -> None:
    truth = ChatTruth(str(tmp_path / "truth"))
    truth.close()
    truth.close()
    assert (tmp_path / "truth").read_text() == f"{TRUTH_HEADER}\n"
    assert len(set(EVENTS)) == len(EVENTS) == 14


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as error:
        ChatTruth(str(tmp_path / "none" / "truth"))
    assert error.value.filename == str(tmp_path / "none" / "truth")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk() -> None:
    truth = ChatTruth("/dev/full")
    with pytest.raises(OSError, match="/dev/full could not take the whole truth"):
        truth.close()
