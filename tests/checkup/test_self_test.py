"""What the self-test concludes from runs that are made up; real ones: tests/cli/test_doctor.py."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from surgewire.checkup import self_test
from surgewire.checkup.self_test import measure
from surgewire.errors import SurgewireError
from surgewire.results.doubt import DoubtCode
from surgewire.results.verdict import Status

CLOSED_PER_S = 100_000.0


def result(plan, doubts=(), lost=0, status=Status.PASS, stamps=1_200):
    sent_per_s = CLOSED_PER_S if plan.pingpong else plan.connections * plan.rate.per_s
    stamp = SimpleNamespace(count=stamps, p50=0.01, p99=0.02 if stamps >= 1_000 else None)
    return SimpleNamespace(
        verdict=SimpleNamespace(status=status, reasons=("no worker is left",)),
        traffic=SimpleNamespace(sent_per_s=sent_per_s),
        delivery=SimpleNamespace(expected=1_000, delivered=1_000 - lost),
        doubts=[SimpleNamespace(code=code) for code in doubts],
        generator=SimpleNamespace(cpu_percent=(40.0,)),
        metrics={"witness_receive": stamp, "witness_send": stamp},
    )


@pytest.fixture
def runs(monkeypatch):
    """Give the plans that were run; ``runs.answer`` makes the result of each."""
    told = SimpleNamespace(plans=[], answer=result)

    def run(plan, runs_dir):
        told.plans.append(plan)
        return told.answer(plan)

    @contextmanager
    def no_server():
        yield "ws://127.0.0.1:1/"

    monkeypatch.setattr(self_test, "run", run)
    monkeypatch.setattr(self_test, "spawned_echo", no_server)
    monkeypatch.setattr(self_test, "most_connections", lambda: 10_000)
    return told


def test_the_first_rate_that_is_held_counts(runs):
    figures = measure(100)
    assert [plan.pingpong for plan in runs.plans] == [True, False, False]
    assert {plan.size_bytes for plan in runs.plans} == {100}
    assert {plan.processes for plan in runs.plans} == {1}
    assert figures.closed_loop_per_s == 100_000
    assert figures.highest_per_s == pytest.approx(80_000, rel=0.01)
    assert figures.cpu_percent == 40.0
    assert figures.cpu_us_per_message == pytest.approx(5.0, rel=0.01)
    assert (figures.overhead_p50_ms, figures.overhead_p99_ms) == (0.02, 0.04)


@pytest.mark.parametrize(
    "trouble",
    [
        {"doubts": (DoubtCode.SEND_LAG,)},
        {"doubts": (DoubtCode.WORKER_SATURATED, DoubtCode.STEAL)},
        {"lost": 1},
    ],
)
def test_a_rate_with_trouble_is_not_held(runs, trouble):
    runs.answer = lambda plan: result(
        plan, **(trouble if not plan.pingpong and plan.rate.per_s > 100 else {})
    )
    assert measure(64).highest_per_s == pytest.approx(50_000, rel=0.01)
    runs.answer = lambda plan: result(plan, **trouble)
    figures = measure(64)
    assert figures.highest_per_s is None
    assert figures.cpu_percent is figures.cpu_us_per_message is None


def test_other_doubts_are_no_trouble(runs):
    runs.answer = lambda plan: result(plan, (DoubtCode.STEAL, DoubtCode.FEW_SAMPLES))
    assert measure(64).highest_per_s == pytest.approx(80_000, rel=0.01)


def test_too_few_stamps_give_no_overhead(runs):
    runs.answer = lambda plan: result(plan, stamps=999)
    figures = measure(64)
    assert figures.overhead_p99_ms is None
    assert figures.overhead_samples == 999


@pytest.mark.parametrize("room", [1, 50, 5_000])
def test_few_descriptors_make_a_small_test(runs, monkeypatch, room):
    monkeypatch.setattr(self_test, "most_connections", lambda: room)
    figures = measure(64)
    quiet = runs.plans[-1]
    assert figures.connections == quiet.connections == min(room, 600)
    # Each connection gives a stamp a second, and p99 needs 1,000 of them.
    assert quiet.connections * quiet.duration_ns >= min(1_200, 12 * quiet.connections) * 10**9
    assert quiet.duration_ns <= 12 * 10**9


@pytest.mark.parametrize(
    ("status", "error"), [(Status.INTERRUPTED, KeyboardInterrupt), (Status.FAILED, SurgewireError)]
)
def test_a_run_that_did_not_come_about_gives_no_figures(runs, status, error):
    runs.answer = lambda plan: result(plan, status=status)
    with pytest.raises(error):
        measure(64)
    assert len(runs.plans) == 1
