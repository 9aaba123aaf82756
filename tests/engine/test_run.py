"""What a run leaves on disk, and the way back from there."""

import json
import re
import subprocess
import sys

import pytest

from surgewire.doctor.machine import Machine
from surgewire.engine.journal import JournalWriter, read_journal
from surgewire.engine.journal_format import JournalError
from surgewire.engine.limits import LimitError
from surgewire.engine.run import execute, load_run
from surgewire.engine.rundir import RunDirError
from surgewire.errors import UsageError
from surgewire.results.record import EndRecord, StartRecord
from tests.engine import fakes
from tests.engine.fakes import Watcher, echo_plan
from tests.engine.test_stop import Program


@pytest.fixture
def finished(tmp_path):
    seen = Watcher()
    result = execute(echo_plan(), fakes.good, runs_dir=tmp_path, observer=seen)
    return result, seen


def test_a_run_leaves_plan_journal_and_result(finished):
    result, seen = finished
    assert {p.name for p in seen.run_dir.iterdir()} == {"plan.json", "journal.bin", "result.json"}
    assert json.loads((seen.run_dir / "plan.json").read_text()) == echo_plan().to_dict()
    assert json.loads((seen.run_dir / "result.json").read_text()) == result.to_dict()
    contents = read_journal(seen.run_dir / "journal.bin")
    assert list(contents.records) == seen.records
    assert contents.torn_bytes == 0
    start = contents.records[0]
    assert start.run_id == seen.run_dir.name
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", start.started_at)
    assert start.machine["cpus"] >= 1
    assert start.machine["timer"] in ("timerfd", "call_at")


def test_the_journal_tells_the_same_result(finished):
    result, seen = finished
    assert load_run(seen.run_dir) == result
    assert load_run(str(seen.run_dir / "journal.bin")) == result


def test_a_torn_journal_tells_of_the_time_before(finished):
    _, seen = finished
    journal = seen.run_dir / "journal.bin"
    journal.write_bytes(journal.read_bytes()[:-3])
    result = load_run(seen.run_dir)
    assert result.delivery.delivered == 6
    assert "journal_incomplete" in [doubt.code for doubt in result.doubts]


def test_a_journal_without_a_start_is_refused(tmp_path):
    path = tmp_path / "journal.bin"
    writer = JournalWriter(path)
    with pytest.raises(JournalError, match="no whole record"):
        load_run(tmp_path)
    writer.append(EndRecord(0.0, "finished"))
    with pytest.raises(JournalError, match="does not begin with the start"):
        load_run(path)
    writer.close()


def test_figures_that_do_not_fit_are_refused(finished):
    _, seen = finished
    journal = seen.run_dir / "journal.bin"
    sound = read_journal(journal).records
    [interval, *_] = [record for record in sound if getattr(record, "histograms", None)]
    wrong = interval.to_dict()
    name = next(iter(wrong["histograms"]))
    wrong["histograms"][name] |= {"gaps": [4, b"\xff\xff\xff\x7f"], "counts": [1, b"\1"]}
    journal.unlink()
    writer = JournalWriter(journal)
    writer.append(sound[0])
    writer.append(type(interval).from_dict(wrong))
    writer.close()
    with pytest.raises(JournalError, match=r"record 1: .+"):
        load_run(seen.run_dir)


def test_nothing_is_left_behind_when_the_machine_is_not_fit(tmp_path, monkeypatch):
    small = Machine(256, 256, 10, (32_768, 60_999), 1 << 34)
    monkeypatch.setattr(Machine, "here", lambda: small)
    with pytest.raises(LimitError, match="--processes 6"):
        execute(echo_plan(connections=1000), fakes.good, runs_dir=tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_refused_before_anything_starts(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunDirError, match="--runs-dir"):
        execute(echo_plan(), fakes.raises, runs_dir=tmp_path / "file")


def test_the_folder_may_be_left_to_us(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    execute(echo_plan(), fakes.good)
    assert len(list((tmp_path / "surgewire-runs").iterdir())) == 1


FULL = """
import resource, sys
from tests.engine import program
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
program.main(*sys.argv[2:])
"""


def test_a_journal_that_finds_no_room_never_stops_the_run(tmp_path):
    values = json.dumps({"duration": "1500ms"})
    done = subprocess.run(
        [sys.executable, "-c", FULL, "2200", "good", str(tmp_path), values],
        **Program.surroundings(),
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    failures = [line for line in lines if line.startswith("journal_failed")]
    assert "file too large" in failures[0]
    assert "result.json" in failures[1]
    assert len(failures) == 2
    result = json.loads(lines[-1].split(" ", 1)[1])
    assert result["delivery"]["delivered"] == 6
    assert "journal_incomplete" in [doubt["code"] for doubt in result["doubts"]]
    [folder] = tmp_path.iterdir()
    contents = read_journal(folder / "journal.bin")
    assert contents.torn_bytes == 0
    assert isinstance(contents.records[0], StartRecord)


def test_the_target_is_watched_where_its_process_is_known(tmp_path):
    server = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with server:
        seen = Watcher()
        plan = echo_plan(duration="600ms", target_pid=server.pid)
        execute(plan, fakes.good, runs_dir=tmp_path, observer=seen)
        server.stdin.close()
    samples = [record.target for record in seen.records if record.TYPE == "interval"]
    assert {(sample.pid, sample.alive) for sample in samples} == {(server.pid, True)}
    assert all(sample.rss_bytes > 1 << 20 for sample in samples)
    execute(echo_plan(), fakes.good, runs_dir=tmp_path, observer=seen)
    assert seen.records[-2].target is None
    with pytest.raises(UsageError, match=f"no process has the id {server.pid}"):
        execute(plan, fakes.good, runs_dir=tmp_path / "never")
    assert not (tmp_path / "never").exists()
