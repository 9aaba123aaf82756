"""What the generator itself adds: by the kernel's stamps, and by round trips seen from a server."""

from pathlib import Path

import pytest

from tests.accuracy.comparison import Proof, Row, check_messages, percentile_rows, prove
from tests.accuracy.effort import FULL, TIMEOUT_S, Load
from tests.accuracy.generator import generate
from tests.accuracy.page import Page, comparison, conditions, table
from tests.accuracy.targets import embedded, independent
from tests.accuracy.truth import percentile, read_truth

pytestmark = [pytest.mark.accuracy, pytest.mark.timeout(TIMEOUT_S)]

# As many connections as get a witness, so that the means below are those of the same messages.
WITNESSED = Load(16, 100, 60 if FULL else 2)
LOAD = Load(50, 40, 60 if FULL else 2)
PING_EVERY_MS = 2.0
ROUNDING_MS = 0.001
SANE_MS = 1.0


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
            assert metric["count"] >= 0.99 * truth.sequence.size
        faults = [
            f"{name}: {figure_ms:.3f} ms"
            for name, figure_ms in {
                "p50 of witness_receive": receive["p50"],
                "p50 of witness_send": send["p50"],
                # What is left between the server's stamp and the kernel's at our socket, and
                # between the kernel's at our socket and the server's: the way there and back.
                "from server to socket": run.metric("message_latency")["mean"]
                - float(truth.latency_ns.mean()) / 1e6
                - receive["mean"],
                "from socket to server": float((truth.received_ns - truth.planned_ns).mean()) / 1e6
                - run.metric("send_lag")["mean"]
                - send["mean"],
            }.items()
            if not -3 * ROUNDING_MS <= figure_ms < SANE_MS
        ]
        rows = percentile_rows(run.metric("message_latency"), truth.latency_ns)
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
                    *(f"{1e3 * metric[key]:,.0f}" for key in ("p50", "p90", "p99")),
                    "–" if metric["p99_9"] is None else f"{1e3 * metric['p99_9']:,.0f}",
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
        rows = [
            Row(name, (percentile(truth.round_trips_ns, q) + percentile(truth.held_ns, q)) / 1e6,
                metric[name])
            for name, q in (("p50", 50.0), ("p90", 90.0))
        ]  # fmt: skip
        return Proof(run, tuple(rows))

    proof = prove(attempt)
    page.add(
        "round_trips",
        conditions(LOAD, proof),
        comparison(proof.rows, true="server's ping + own share, ms"),
    )
