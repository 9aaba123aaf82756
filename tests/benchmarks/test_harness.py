"""The harness: accounts of CPU, tables, adapters, and one measurement from end to end."""

import subprocess
import sys
import time

import psutil
import pytest
from harness import measure, processes, server, session, tables
from harness.external import Artillery, Locust, Tcpkali, Tsung, external_generators
from harness.generators import Limit, Reported
from harness.jobs import JOBS, Job, Timing
from harness.measure import Observation
from harness.processes import CpuSample
from harness.twocore import TwoCoreRun

BUSY = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass\n"


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_cpu_is_what_the_processes_used(tmp_path):
    script = f"import os\nos.fork()\n{BUSY}\nimport signal\nsignal.pause()"
    with (
        (tmp_path / "out").open("w") as out,
        processes.spawned(
            [sys.executable, "-c", script],
            pinned_to=processes.cores()[:1],
            stdout=out,
            stderr=out,
        ) as root,
    ):
        nothing = CpuSample({}, {}, {})
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            used = processes.cpu_between(nothing, processes.cpu_sample(processes.tree(root)))
            if len(used) == 2 and min(used.values()) >= 0.3:
                break
            time.sleep(0.02)
        family = processes.tree(root)
        assert all(each.cpu_affinity() == processes.cores()[:1] for each in family)
        assert processes.pss_bytes(family) > 1 << 20
    assert len(used) == 2
    assert all(0.3 <= seconds < 1 for seconds in used.values())
    assert not any(is_alive(each) for each in family)


def test_cpu_of_ended_threads_comes_from_the_process():
    earlier = CpuSample({7: {7: 0, 8: 500_000_000}}, {7: 0}, {7: 0.5})
    later = CpuSample({7: {7: 100_000_000}}, {7: 0}, {7: 1.0})
    assert processes.cpu_between(earlier, later) == {7: pytest.approx(0.5)}
    kept = CpuSample({7: {7: 100_000_000, 8: 600_000_000, 9: 1_000_000}}, {7: 0}, {7: 0.7})
    assert processes.cpu_between(earlier, kept) == {7: pytest.approx(0.201)}


def observed(generator: str, number: int, cpu_us: float, **more) -> Observation:
    reported = Reported(lost=0, p50_ms=0.05, p99_ms=0.2)
    return Observation("paced-1k", generator, number, message_us_all=cpu_us,
                       message_us_busiest=cpu_us, reported=reported, **more)  # fmt: skip


def test_ratios_compare_runs_of_one_round():
    runs = [observed("bare C", 1, 10), observed("Surgewire", 1, 12), observed("bare C", 2, 20),
            observed("Surgewire", 2, 22), observed("bare C", 3, 5)]  # fmt: skip
    seen = tables.Observations(runs)
    ratio = seen.ratio("paced-1k", "Surgewire", lambda run: run.message_us_all)
    assert ratio is not None
    assert (ratio.low, ratio.high) == (1.1, 1.2)
    assert ratio.middle == pytest.approx(1.15)
    table = tables.message_table(seen, JOBS["paced-1k"])
    assert "1.15 (1.10–1.20)" in table
    assert "yes" in tables.goal_table(seen)


def test_failed_runs_are_told_and_not_averaged():
    failed = Observation("paced-1k", "Surgewire", 1, error="exit code 1: no")
    shown = session.Session(["here"], [observed("bare C", 1, 10), failed])
    text = shown.text()
    assert "- Surgewire, 1,000 connections × 10/s: exit code 1: no" in text
    assert "not measured" in text
    assert shown.failed()


def test_memory_is_the_slope_between_two_sizes():
    small = Observation("paced-1k", "bare C", 1, pss_bytes=1_000_000)
    large = Observation("paced-10k", "bare C", 1, pss_bytes=10_000_000)
    assert tables.connection_bytes(tables.Observations([small, large]), "bare C") == 1000


def test_sessions_are_kept_and_pages_are_written(tmp_path):
    two = TwoCoreRun(2.0, Reported(10_000, 20, 20, 0, 0.1, 0.4))
    kept = session.Session(["a line"], [observed("bare C", 1, 10)], [two, TwoCoreRun(1, None, "x")])
    kept.save(tmp_path / "raw.json")
    again = session.Session.load(tmp_path / "raw.json")
    assert again.text() == kept.text()
    assert "goal reached" in again.text()
    page = tmp_path / "page.md"
    page.write_text(f"before\n{session.BEGIN}\nold\n{session.END}\nafter\n")
    session.check_page(page)
    session.write_page(page, "new")
    assert page.read_text() == f"before\n{session.BEGIN}\n\nnew\n\n{session.END}\nafter\n"


@pytest.mark.parametrize("content", ["", "[]", '{"lines": []}', '{"lines": [], "runs": [{}]}'])
def test_what_is_no_session_is_refused(tmp_path, content):
    (tmp_path / "raw.json").write_text(content)
    with pytest.raises(server.BenchmarkError, match="no saved figures"):
        session.Session.load(tmp_path / "raw.json")


def test_pages_without_markers_are_refused(tmp_path):
    with pytest.raises(server.BenchmarkError, match="No such file"):
        session.check_page(tmp_path / "none.md")
    (tmp_path / "page.md").write_text(f"{session.END} {session.BEGIN}")
    with pytest.raises(server.BenchmarkError, match="missing"):
        session.check_page(tmp_path / "page.md")


def test_two_core_shortcomings_are_named():
    reported = Reported(9_999, 20, 19, 1, 0.1, 5.0, ["send_lag"])
    short = TwoCoreRun(2.0, reported).shortcomings()
    assert short == [
        "9999 of 10000 established",
        "19 of 20 delivered",
        "p99 5.0 ms",
        "doubt send_lag",
    ]


def test_adapters_write_commands_for_the_job(tmp_path):
    job, timing = JOBS["paced-10k"], Timing(8)
    for generator in external_generators():
        assert generator.supports(job)
        assert not generator.supports(JOBS["pingpong"])
        argv = generator.command(job, timing, 4321, tmp_path)
        written = " ".join(argv) + "".join(each.read_text() for each in tmp_path.iterdir())
        assert "127.0.0.1:4321" in written or 'port="4321"' in written
        assert "10000" in written or '"duration": 5, "arrivalRate": 2000' in written


def test_adapters_read_reports(tmp_path):
    (tmp_path / "artillery-report.json").write_text(
        '{"aggregate": {"counters": {"websocket.messages_sent": 70}}}'
    )
    assert Artillery().report("", tmp_path).sent == 70
    (tmp_path / "locust_stats.csv").write_text(
        "Type,Name,Request Count,Failure Count,50%,99%\nWS,echo,80,1,16,60\n,Aggregated,80,1,0,0\n"
    )
    assert Locust().report("", tmp_path) == Reported(delivered=79, p50_ms=16.0, p99_ms=60.0)
    line = "Message latency at percentiles: 0.2/1.3 (50/99%)\n"
    assert Tcpkali().report(line, tmp_path) == Reported(p50_ms=0.2, p99_ms=1.3)
    with pytest.raises(ValueError, match="percentiles"):
        Tcpkali().report("", tmp_path)
    assert Tsung().report("", tmp_path) == Reported()


@pytest.fixture
def small_programs(limit_programs, monkeypatch):
    monkeypatch.setattr(server, "LIMIT_PROGRAMS", limit_programs)
    monkeypatch.setattr(measure, "LIMIT_PROGRAMS", limit_programs)
    monkeypatch.setattr("harness.generators.LIMIT_PROGRAMS", limit_programs)


def test_one_measurement_from_end_to_end(small_programs):
    job = Job("paced-1k", "small", "paced", 20, 20.0, 200.0)
    timing = Timing(0.6, settle_s=0.2, margin_s=0.4)
    pinning = measure.Pinning(processes.cores()[0], processes.cores()[-1])
    seen = measure.observe(Limit(), job, timing, pinning, 1)
    assert seen.error is None
    assert seen.established == 20
    assert seen.messages_per_s == pytest.approx(400, rel=0.25)
    assert seen.reported is not None
    assert (seen.reported.established, seen.reported.lost) == (20, 0)
    assert seen.message_us_all is not None
    assert seen.message_us_all > 0
    assert seen.probe_p99_ms is not None
    assert seen.server_errors == 0


def test_a_generator_that_fails_is_told(small_programs):
    class Broken(Limit):
        def command(self, job, timing, port, directory):
            return [sys.executable, "-c", "import sys; sys.exit('it is broken')"]

    pinning = measure.Pinning(processes.cores()[0], processes.cores()[-1])
    seen = measure.observe(Broken(), JOBS["connect"], Timing(0.5), pinning, 1)
    assert seen.error == "ended before connection: it is broken"


def test_the_command_line_refuses_bad_options(benchmarks):
    for options, part in (
        (["--repeats", "0"], "--repeats"),
        (["--seconds", "0.1"], "--seconds"),
        (["--only", "nothing"], "--only"),
        (["--markdown", "/nowhere/x.md"], "error: --markdown /nowhere/x.md"),
    ):
        argv = [sys.executable, str(benchmarks / "run.py"), *options]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode in {1, 2}
        assert part in done.stderr
        assert "Traceback" not in done.stderr
