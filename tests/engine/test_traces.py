from pathlib import Path

import pytest

from surgewire.engine.limits import LimitError
from surgewire.engine.traces import check_traces, trace_path
from tests.engine.fakes import chat_plan, echo_plan


def test_each_worker_has_a_file_of_its_own(tmp_path: Path) -> None:
    assert trace_path(str(tmp_path / "trace.csv"), 3) == tmp_path / "trace.csv.3"


def test_a_place_that_can_be_written_is_no_matter(tmp_path: Path) -> None:
    check_traces(chat_plan(trace=str(tmp_path / "trace")))
    check_traces(chat_plan())
    check_traces(echo_plan())


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(LimitError, match=r"nowhere/trace\.0 cannot be written: no such file"):
        check_traces(chat_plan(trace=str(tmp_path / "nowhere" / "trace")))


def test_the_file_of_every_worker_is_tried(tmp_path: Path) -> None:
    (tmp_path / "trace.1").mkdir()
    with pytest.raises(LimitError, match=r"trace\.1 cannot be written: is a directory"):
        check_traces(chat_plan(trace=str(tmp_path / "trace"), processes=2))
