"""Runs with fake workers, most of which do something wrong."""

import os
import signal
import threading
import time

import pytest

from surgewire.engine.run import execute
from tests.engine import fakes
from tests.engine.fakes import (
    IMPATIENT,
    S,
    Watcher,
    chat_plan,
    connect_plan,
    echo_plan,
    one_unlike_the_others,
    open_files,
)


@pytest.fixture
def perform(tmp_path):
    def perform(work, plan=None, patience=IMPATIENT, observer=None):
        watcher = observer or Watcher()
        before = open_files()
        result = execute(
            plan or echo_plan(), work, runs_dir=tmp_path, observer=watcher, patience=patience
        )
        assert open_files() == before
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)
        delivery = result.delivery
        booked = delivery.delivered + delivery.lost + delivery.lost_to_disconnect
        assert delivery.expected == booked
        return result, watcher

    return perform


def end_reason(watcher):
    assert watcher.records[-1].TYPE == "end"
    return watcher.records[-1].reason


def test_a_run_in_which_all_goes_well(perform):
    result, seen = perform(fakes.good, echo_plan(warmup="100ms"))
    assert end_reason(seen) == "finished"
    assert result.connections.established == result.connections.peak_open == 6
    assert result.delivery.delivered == result.delivery.sent == 6
    assert result.metrics["message_latency"].count == 6
    assert seen.result == result
    assert seen.ticks >= 2
    assert [detail["phase"] for detail in seen.events("phase")] == [
        *("starting", "connecting", "warmup", "sending", "draining"),
        # The workers are done before the drain could be over.
    ]
    assert not seen.events("worker_died")


def test_records_are_in_order_and_cover_the_run(perform):
    _, seen = perform(fakes.good, echo_plan(duration="1200ms"))
    assert [record.TYPE for record in seen.records][:1] == ["start"]
    intervals = [record for record in seen.records if record.TYPE == "interval"]
    ends = [record.at_s for record in intervals]
    assert ends == sorted(ends)
    for before, record in zip([0.0, *ends], intervals, strict=False):
        assert record.at_s - record.length_s == pytest.approx(before, abs=1e-6)
    # Seconds of sending count from its first instant, and no interval mixes two phases.
    [sending] = [r for r in seen.records if r.TYPE == "event" and r.kind == "sending"]
    assert min(abs(end - sending.at_s) for end in ends) < 0.2
    assert min(abs(end - sending.at_s - 1.2) for end in ends) < 0.2
    assert all(0 <= s.cpu_percent < 400 for r in intervals for s in r.workers)
    assert any(s.rss_bytes > 1 << 20 for r in intervals for s in r.workers)


def test_the_last_connection_is_timed_exactly(perform):
    def late(worker, plan, region, control, run_tag):
        fake = fakes.Fake(worker, plan, region, control)
        fake.say("ready")
        began_ns = fake.hear()["at_ns"]
        fake.told.append({"t": "start", "at_ns": began_ns + (100 + 200 * worker) * fakes.MS})
        fake.connect()
        fake.hear()
        return fake.finish()

    result, seen = perform(late, connect_plan())
    [connected] = seen.events("connected")
    assert 0.3 <= connected["last_established_s"] < 0.8
    assert result.connections.per_s == pytest.approx(6 / connected["last_established_s"], rel=0.01)


def test_a_connect_run_holds_and_closes(perform):
    result, seen = perform(fakes.good, connect_plan(hold="200ms"))
    phases = [detail["phase"] for detail in seen.events("phase")]
    assert phases == ["starting", "connecting", "holding", "closing"]
    assert result.connections.established == 6
    assert end_reason(seen) == "finished"


def test_a_killed_worker_is_reported_and_the_run_goes_on(perform):
    result, seen = perform(one_unlike_the_others(fakes.shot))
    [death] = seen.events("worker_died")
    assert death["worker"] == 1
    assert death["signal"] == "SIGKILL"
    assert death["exit_code"] is None
    assert death["connections"] == 3
    assert death["pid"] not in (0, os.getpid())
    assert end_reason(seen) == "finished"
    assert result.delivery.delivered == 5
    assert result.delivery.lost_to_disconnect == 1
    assert result.connections.closed == {"worker_died": 3}
    assert result.connections.errors == {"worker_died": 1}
    last = next(r for r in reversed(seen.records) if r.TYPE == "interval")
    assert last.gauges == {"open": 0, "peak_open": 6, "peak_under_way": 0}
    assert seen.total("established") == seen.total("closed") == 6


def test_a_run_fails_when_all_workers_are_dead(perform):
    result, seen = perform(fakes.shot)
    assert len(seen.events("worker_died")) == 2
    assert end_reason(seen) == "failed"
    assert result.connections.closed == {"worker_died": 6}


def test_what_a_worker_raises_is_kept(perform, tmp_path):
    _, seen = perform(one_unlike_the_others(fakes.raises))
    [death] = seen.events("worker_died")
    assert death["exit_code"] == 70
    assert "a defect on purpose" in (seen.run_dir / "worker-1-crash.txt").read_text()
    assert "worker-1-crash.txt" in " ".join(seen.notes())
    assert end_reason(seen) == "finished"


@pytest.mark.parametrize(
    ("work", "why"),
    [
        (fakes.never_ready, "did not get ready in time"),
        (fakes.never_connected, "did not get an outcome for each attempt in time"),
        (fakes.never_finished, "did not finish in time"),
        (fakes.babbles, "sent nonsense"),
    ],
)
def test_a_worker_that_overstays_is_killed(perform, work, why):
    began = time.monotonic()
    result, seen = perform(one_unlike_the_others(work))
    assert time.monotonic() - began < 5
    assert any(why in note and "worker 1" in note for note in seen.notes())
    [death] = seen.events("worker_died")
    assert death["signal"] == "SIGKILL"
    assert end_reason(seen) == "finished"
    assert result.connections.established >= 3


def test_a_worker_that_does_not_end_is_killed_without_harm(perform):
    result, seen = perform(one_unlike_the_others(fakes.never_ended))
    assert any("had finished but did not end" in note for note in seen.notes())
    assert not seen.events("worker_died")
    assert result.delivery.delivered == 6


def test_a_stopped_worker_is_no_reason_to_stop(perform):
    class Medic(Watcher):
        def record(self, record):
            super().record(record)
            if record.TYPE == "event" and "no sign of life" in record.detail.get("text", ""):
                samples = next(r for r in reversed(self.records) if r.TYPE == "interval").workers
                os.kill(samples[1].pid, signal.SIGCONT)

    began = time.monotonic()
    result, seen = perform(
        one_unlike_the_others(fakes.stops_for_a_while),
        patience=fakes.Patience(margin_ns=10 * S),
        observer=Medic(),
    )
    assert 2.5 < time.monotonic() - began < 10
    assert sum("no sign of life" in note for note in seen.notes()) == 1
    assert not seen.events("worker_died")
    assert result.delivery.delivered == 6


def test_an_observer_that_raises_ends_the_run_cleanly(tmp_path):
    class Grumpy(Watcher):
        def tick(self):
            raise OSError("no terminal any more")

    before = open_files()
    with pytest.raises(OSError, match="no terminal"):
        execute(echo_plan(duration="30s"), fakes.good, runs_dir=tmp_path, observer=Grumpy())
    assert open_files() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_run_outside_the_main_thread(perform):
    outcome = []
    thread = threading.Thread(target=lambda: outcome.append(perform(fakes.good)))
    thread.start()
    thread.join()
    [(result, seen)] = outcome
    assert end_reason(seen) == "finished"
    assert result.delivery.delivered == 6


def test_without_pidfd_the_end_of_a_child_is_still_seen(perform, monkeypatch):
    def refuse(pid):
        raise OSError("no such thing here")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    began = time.monotonic()
    result, seen = perform(one_unlike_the_others(fakes.shot))
    assert len(seen.events("worker_died")) == 1
    assert result.delivery.lost_to_disconnect == 1
    assert time.monotonic() - began < 3


def test_signals_are_handled_as_before_afterwards(perform):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    perform(fakes.good)
    after = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)]
    assert after == before


def test_sending_may_begin_with_connecting(perform):
    result, seen = perform(fakes.early, chat_plan(send_during_ramp=True))
    assert end_reason(seen) == "finished"
    assert [detail["phase"] for detail in seen.events("phase")][:3] == [
        *("starting", "connecting", "sending"),
    ]
    # Once, when the last worker has connected.
    assert len(seen.events("connected")) == 1
    # What a worker says is kept, within bounds.
    words = sorted(seen.notes())
    assert [word[:11] for word in words] == ["a word of 0", "a word of 1"]
    assert all(len(word) == 500 for word in words)
    assert result.connections.established == 6


def test_users_that_may_come_back_are_worth_going_on_for(perform):
    began = time.monotonic()
    _, seen = perform(fakes.emptied, chat_plan(duration="1s", reconnect="1s..2s"))
    assert time.monotonic() - began > 1
    assert "sending" in [detail["phase"] for detail in seen.events("phase")]


def test_without_reconnect_an_empty_run_is_wound_up(perform):
    _, seen = perform(fakes.emptied, chat_plan(duration="10s"))
    assert "sending" not in [detail["phase"] for detail in seen.events("phase")]
    assert end_reason(seen) == "finished"


def test_rooms_are_written_down_in_the_end(perform):
    _, seen = perform(fakes.early, chat_plan(send_during_ramp=True))
    rooms = [record for record in seen.records if record.TYPE == "rooms"]
    assert [record.rooms for record in rooms] == [2] * len(rooms)
    assert seen.records[-2].TYPE in ("rooms", "event")
    assert rooms[-1].at_s >= 0.3
