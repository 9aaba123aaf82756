"""A server that stands still now and then: the open model tells, the closed one does not.

The server stops for S every P, and messages are due at a constant rate. One that is due u after
the beginning of a stall waits until its end, S - u; all others hardly wait. So a share of
(S - x) / P of all messages takes longer than x, for 0 < x < S, and the percentile q, as a share, is
S - (1 - q) P.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from surgewire.results.percentile import PERCENTILES, display_name
from tests.accuracy.comparison import Proof, Row, check_messages, prove
from tests.accuracy.effort import FULL, TIMEOUT_S, Load
from tests.accuracy.generator import Run, generate
from tests.accuracy.page import Page, conditions, table
from tests.accuracy.targets import Target, embedded
from tests.accuracy.truth import read_truth

pytestmark = [pytest.mark.accuracy, pytest.mark.timeout(TIMEOUT_S)]

STALL_MS, PERIOD_MS = (1000, 10_000) if FULL else (200, 1000)
LOAD = Load(20, 50, 60 if FULL else 3)
# The form speaks of any instant, the sample has one message each millisecond; and after a stall
# the server needs a moment for the answers to all that has piled up.
SPACING_MS = 1.0
MARGIN_MS = 2.0
# The first stall is one period after the start of the server. Counting begins when a stall at its
# start would be over, so that whole periods hold whole stalls wherever they begin.
OPEN = (*LOAD.options, "--warmup", f"{STALL_MS}ms")
CLOSED = ("--connections", "1", "--pingpong", "--duration", f"{2 * PERIOD_MS}ms")


def closed_form_ms(percent: float) -> float:
    """Return the percentile of an ideal sample; 0 where the messages are not delayed."""
    return max(0.0, STALL_MS - (1 - percent / 100) * PERIOD_MS)


def against_closed_form(metric: dict[str, Any]) -> tuple[Row, ...]:
    return tuple(
        Row(display_name(key), closed_form_ms(percent), metric[key], MARGIN_MS)
        for key, percent in PERCENTILES.items()
        # Where the delay begins, the least fluctuation decides between nothing and all.
        if metric[key] is not None and abs(1 - percent / 100 - STALL_MS / PERIOD_MS) > 0.01
    )


def share_longer_than(run: Run, limit_ms: float) -> float:
    histogram = run.histogram("message_latency")
    total = histogram.get_total_count()
    longer = sum(
        item.count_at_value_iterated_to
        for item in histogram.get_recorded_iterator()
        if item.value_iterated_to > limit_ms * 1e6
    )
    return float(longer / total)


def serve(folder: Path, *, record: bool) -> AbstractContextManager[Target]:
    return embedded(folder, "--stall", f"{STALL_MS}ms/{PERIOD_MS}ms", record=record)


def test_the_open_model_tells_of_stalls_and_the_closed_one_does_not(
    tmp_path: Path, page: Page
) -> None:
    proof = prove(lambda favoured: open_model(tmp_path, favoured))
    (closed_folder := tmp_path / "closed").mkdir()
    closed = closed_model(closed_folder)
    page.add(
        "stalls",
        f"{STALL_MS} ms every {PERIOD_MS / 1000:g} s. Open model: {conditions(LOAD, proof)} "
        f"Closed model: one connection, {closed.delivery['sent']:,} messages, one at a time.",
        side_by_side(proof, closed),
    )


def open_model(folder: Path, favoured: bool) -> Proof:
    with serve(folder, record=True) as target:
        run = generate(target, folder, OPEN, favoured=favoured)
    truth = read_truth(target.truth)
    check_messages(run, truth, LOAD.connections)
    assert run.delivery["delivered"] == LOAD.messages
    faults = []
    for part in (0.25, 0.5, 0.75):
        found, due = share_longer_than(run, part * STALL_MS), (1 - part) * STALL_MS / PERIOD_MS
        if abs(found - due) > (MARGIN_MS + SPACING_MS) / PERIOD_MS:
            faults.append(f"{found:.4f} took over {part * STALL_MS:.0f} ms, expected {due:.4f}")
    return Proof(run, against_closed_form(run.metric("message_latency")), tuple(faults))


def closed_model(folder: Path) -> Run:
    """Run the closed model and show that it fails the comparison that the open one passes."""
    with serve(folder, record=False) as target:
        run = generate(target, folder, CLOSED, favoured=False)
    rows = against_closed_form(run.metric("message_latency"))
    delayed = [row for row in rows if row.true_ms > 0]
    assert {"p95", "p99"} <= {row.name for row in delayed}
    assert not any(row.within for row in delayed)
    # It is off by all there is to see, not by a little: a stall is one message per connection.
    assert all(row.reported_ms < 0.1 * row.true_ms for row in delayed)
    assert share_longer_than(run, STALL_MS / 4) < 0.1 * STALL_MS / PERIOD_MS
    return run


def side_by_side(proof: Proof, closed: Run) -> str:
    metric = closed.metric("message_latency")
    return table(
        ("percentile", "closed form, ms", "open model, ms", "closed model, ms"),
        (
            (
                row.name,
                f"{row.true_ms:,.1f}",
                f"{row.reported_ms:,.3f}",
                f"{metric['p99_9' if row.name == 'p99.9' else row.name]:,.3f}",
            )
            for row in proof.rows
        ),
    )
