import json
import os
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from surgewire.engine import rundir
from surgewire.engine.rundir import RunDirError, create_run_dir, newest_run_dir, open_run_dir

NOW = datetime(2026, 1, 31, 13, 5, 9, tzinfo=timezone(timedelta(hours=1)))


def test_a_folder_is_named_by_time_and_kind(tmp_path):
    run_dir = create_run_dir(tmp_path / "deep" / "runs", "echo", {"kind": "echo"}, NOW)
    assert re.fullmatch(r"20260131-120509-echo-[0-9a-f]{4}", run_dir.run_id)
    assert run_dir.path.parent == tmp_path / "deep" / "runs"
    assert json.loads((run_dir.path / "plan.json").read_text()) == {"kind": "echo"}
    assert run_dir.journal_path == run_dir.path / "journal.bin"
    assert not run_dir.journal_path.exists()


def test_two_runs_of_one_second_get_two_folders(tmp_path, monkeypatch):
    names = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr(rundir.secrets, "token_hex", lambda n: next(names))
    first = create_run_dir(tmp_path, "echo", {}, NOW)
    second = create_run_dir(tmp_path, "echo", {}, NOW)
    assert [first.run_id[-4:], second.run_id[-4:]] == ["aaaa", "bbbb"]


def test_running_out_of_names_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(rundir.secrets, "token_hex", lambda n: "aaaa")
    create_run_dir(tmp_path, "echo", {}, NOW)
    with pytest.raises(RunDirError, match="file exists"):
        create_run_dir(tmp_path, "echo", {}, NOW)


def unwritable(tmp_path):
    (tmp_path / "file").write_text("no folder")
    yield tmp_path / "file"
    yield tmp_path / "file" / "runs"
    yield Path("/proc/nothing/here")
    yield tmp_path / ("x" * 300)


def test_an_unwritable_place_is_refused_in_one_line(tmp_path):
    for place in unwritable(tmp_path):
        with pytest.raises(RunDirError, match="--runs-dir") as raised:
            create_run_dir(place, "echo", {}, NOW)
        assert "\n" not in str(raised.value)
        assert raised.value.exit_code == 2


def test_a_folder_without_a_plan_is_not_left_behind(tmp_path, monkeypatch):
    def refuse(self, *args, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", refuse)
        with pytest.raises(RunDirError, match="no space left"):
            create_run_dir(tmp_path, "echo", {}, NOW)
    assert list(tmp_path.iterdir()) == []


def test_the_result_is_whole_or_not_there(tmp_path):
    run_dir = create_run_dir(tmp_path, "echo", {}, datetime.now(UTC))
    run_dir.write_result({"ü": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        run_dir.write_result({"rate": float("nan")})
    assert json.loads(run_dir.result_path.read_text(encoding="utf-8")) == {"ü": 1}
    assert {p.name for p in run_dir.path.iterdir()} == {"plan.json", "result.json"}
    run_dir.result_path.unlink()
    run_dir.result_path.mkdir()
    with pytest.raises(RunDirError, match=r"result\.json cannot be written"):
        run_dir.write_result({})
    assert {p.name for p in run_dir.path.iterdir()} == {"plan.json", "result.json"}


def test_an_earlier_run_is_found_by_folder_or_journal(tmp_path):
    run_dir = create_run_dir(tmp_path, "echo", {}, NOW)
    run_dir.journal_path.touch()
    assert open_run_dir(run_dir.path).run_id == run_dir.run_id
    assert open_run_dir(run_dir.journal_path).path == run_dir.path


def test_the_newest_run_is_found(tmp_path):
    with pytest.raises(RunDirError, match="holds no run"):
        newest_run_dir(tmp_path / "nothing")
    older = create_run_dir(tmp_path, "echo", {}, NOW + timedelta(seconds=1))
    newer = create_run_dir(tmp_path, "connect", {}, NOW + timedelta(seconds=2))
    # Begun at the same second, and one more that has no journal (yet).
    newest = create_run_dir(tmp_path, "chat", {}, NOW + timedelta(seconds=2))
    create_run_dir(tmp_path, "echo", {}, NOW + timedelta(seconds=3))
    for run_dir in (newest, newer, older):
        run_dir.journal_path.touch()
    os.utime(newer.path / "plan.json", ns=(0, 0))
    assert newest_run_dir(tmp_path).path == newest.path


def test_what_is_no_run_is_refused(tmp_path):
    for path in (tmp_path / "nothing", tmp_path / "nothing" / "journal.bin"):
        with pytest.raises(RunDirError, match="there is no such folder"):
            open_run_dir(path)
    with pytest.raises(RunDirError, match=r"holds no journal\.bin"):
        open_run_dir(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(RunDirError, match="there is no such folder"):
        open_run_dir(tmp_path / "file")


def test_the_folder_of_a_search_is_told_from_that_of_a_run(tmp_path: Path) -> None:
    folder = create_run_dir(tmp_path, "find", {}, NOW)
    folder.write_find({"steps": []})
    with pytest.raises(RunDirError, match="is the folder of a search: name the folder of one"):
        open_run_dir(folder.path)
