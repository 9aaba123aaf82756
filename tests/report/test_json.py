"""The result as a file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from surgewire.report.json import dumps, write
from tests.results.samples import echo_run, tally_of

RESULT = tally_of(*echo_run()).result()


def test_the_file_holds_the_result(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write(RESULT, path)
    assert json.loads(path.read_text()) == RESULT.to_dict()
    assert path.read_text() == dumps(RESULT)
    assert list(tmp_path.iterdir()) == [path]


def test_a_dash_is_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    write(RESULT, "-")
    assert json.loads(capsys.readouterr().out) == RESULT.to_dict()


def test_nan_is_refused_and_what_stood_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text("before")
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(replace(RESULT, duration_s=float("nan")), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write(RESULT, tmp_path / "missing" / "result.json")
