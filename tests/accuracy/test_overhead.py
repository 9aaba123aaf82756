"""What the generator itself adds: by the kernel's stamps, and by round trips seen from a server."""

from pathlib import Path

import numpy as np
import pytest

from surgewire._core.witness import AVAILABLE
from tests.accuracy.comparison import Proof, Row, check_messages, percentile_rows, prove
from tests.accuracy.effort import FULL, TIMEOUT_S, Load
from tests.accuracy.generator import generate
from tests.accuracy.page import Page, comparison, conditions, table
from tests.accuracy.targets import embedded, independent
from tests.accuracy.truth import percentile, read_truth

pytestmark = [pytest.mark.accuracy, pytest.mark.timeout(TIMEOUT_S)]

# As many connections as get a witness, each of which compares one message a second.
WITNESSED = Load(64, 30, 60 if FULL else 2)
LOAD = Load(50, 40, 30 if FULL else 2)
PING_EVERY_MS = 2.0
SANE_MS = 1.0
# Medians of a sample and of all, so they need not differ as the messages themselves do.
SAMPLING_MS = 0.05


@pytest.mark.skipif(not AVAILABLE, reason="this system has no kernel stamps")
def test_kernel_stamps_lie_between_ours_and_the_server_s(tmp_path: Path, page: Page) -> None:
    def attempt(favoured: bool) -> Proof:
        with embedded(tmp_path) as target:
            run = generate(target, tmp_path, WITNESSED.options, favoured=favoured)
        truth = read_truth(target.truth)
        check_messages(run, truth, WITNESSED.connections)
        receive, send = run.metric("witness_receive"), run.metric("witness_send")
        for name, metric in (("witness_receive", receive), ("witness_send", send)):
            # Negative differences would be stamps in the wrong order; they are clipped.
            assert run.clipped(name) == 0
            assert metric["min"] >= 0
            assert metric["count"] >= 0.8 * WITNESSED.connections * WITNESSED.duration_s
        faults = [
            f"p50 of {name}: {metric['p50']:.3f} ms"
            for name, metric in (("witness_receive", receive), ("witness_send", send))
            if metric["p50"] >= SANE_MS
        ]
        # What is left between the server's stamps and the kernel's at our socket: the way.
        there_ns = np.sort(truth.received_ns - truth.planned_ns)
        there_ms = percentile(there_ns, 50) / 1e6 - run.metric("send_lag")["p50"] - send["p50"]
        latency = run.metric("message_latency")
        back_ms = latency["p50"] - percentile(truth.latency_ns, 50) / 1e6 - receive["p50"]
        faults += [
            f"{way}: {left_ms:.3f} ms"
            for way, left_ms in (("there", there_ms), ("back", back_ms))
            if not -SAMPLING_MS < left_ms < SANE_MS
        ]
        rows = percentile_rows(latency, truth.latency_ns)
        return Proof(run, rows, tuple(faults))

    proof = prove(attempt)
    metrics = {name: proof.run.metric(name) for name in ("witness_receive", "witness_send")}
    page.add(
        "witness",
        conditions(WITNESSED, proof),
        table(
            ("metric", "stamps", "p50, µs", "p90, µs", "p99, µs", "p99.9, µs"),
            (
                (
                    f"`{name}`",
                    f"{metric['count']:,}",
                    *(
                        "–" if metric[key] is None else f"{1e3 * metric[key]:,.0f}"
                        for key in ("p50", "p90", "p99", "p99_9")
                    ),
                )
                for name, metric in metrics.items()
            ),
        ),
        "The same run, latency beside the record of the target:",
        comparison(proof.rows),
    )


def test_round_trips_take_as_long_as_a_server_finds(tmp_path: Path, page: Page) -> None:
    """Service time is the server's own share plus a round trip, which its pings measure too."""

    def attempt(favoured: bool) -> Proof:
        with independent(tmp_path, ping_every_ms=PING_EVERY_MS) as target:
            run = generate(target, tmp_path, LOAD.options, favoured=favoured)
        truth = read_truth(target.truth)
        check_messages(run, truth, LOAD.connections)
        metric = run.metric("service_time")
        trips_ns, held_ns = truth.round_trips_ns, truth.held_ns
        p50_ms = (percentile(trips_ns, 50) + percentile(held_ns, 50)) / 1e6
        mean_ms = float(trips_ns.mean() + held_ns.mean()) / 1e6
        rows = (Row("p50", p50_ms, metric["p50"]), Row("mean", mean_ms, metric["mean"]))
        return Proof(run, rows)

    proof = prove(attempt)
    page.add(
        "round_trips",
        conditions(LOAD, proof),
        comparison(proof.rows, true="server's ping + own share, ms"),
    )
