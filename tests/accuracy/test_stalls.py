"""A server that stands still now and then: the open model tells, the closed one does not.

The server stops for S every P, and messages are due at a constant rate. One that is due u after
the beginning of a stall waits until its end, S - u; all others hardly wait. So a share of
(S - x) / P of all messages takes longer than x, for 0 < x < S, and the percentile q, as a share, is
S - (1 - q) P.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surgewire.results.percentile import PERCENTILES, display_name
from tests.accuracy.comparison import MARGIN_MS, Proof, Row, check_messages, prove
from tests.accuracy.effort import FULL, TIMEOUT_S, Load
from tests.accuracy.generator import Run, generate
from tests.accuracy.page import Page, conditions, table
from tests.accuracy.targets import Target, embedded
from tests.accuracy.truth import Truth, read_truth

pytestmark = [pytest.mark.accuracy, pytest.mark.timeout(TIMEOUT_S)]

STALL_MS, PERIOD_MS = (1000, 10_000) if FULL else (200, 1000)
LOAD = Load(20, 50, 60 if FULL else 3)
# The form speaks of any instant, the sample has one message each millisecond.
SPACING_MS = 1000 / (LOAD.connections * LOAD.rate_per_s)
# After a stall the server needs a moment for the answers to all that has piled up. Its record says
# how long; more than this is no longer a moment.
MAX_CATCHING_UP_MS = 0.01 * STALL_MS
# The first stall is one period after the start of the server. Counting begins when a stall at its
# start would be over, so that whole periods hold whole stalls wherever they begin.
OPEN = (*LOAD.options, "--warmup", f"{STALL_MS}ms")
CLOSED = ("--connections", "1", "--pingpong", "--duration", f"{2 * PERIOD_MS}ms")


def closed_form_ms(percent: float) -> float:
    """Return the percentile of an ideal sample; 0 where the messages are not delayed."""
    return max(0.0, STALL_MS - (1 - percent / 100) * PERIOD_MS)


def catching_up_ms(truth: Truth) -> float:
    """Return how long the server took, at most, to answer what had piled up in a stall."""
    delayed = truth.sent_ns - truth.planned_ns > 0.05 * STALL_MS * 1e6
    sent_ns = truth.sent_ns[delayed]
    stalls = np.split(sent_ns, np.flatnonzero(np.diff(sent_ns) > 0.5 * PERIOD_MS * 1e6) + 1)
    return max(float(stall[-1] - stall[0]) for stall in stalls) / 1e6


def against_closed_form(metric: dict[str, Any], margin_ms: float) -> tuple[Row, ...]:
    return tuple(
        Row(display_name(key), closed_form_ms(percent), metric[key], margin_ms)
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
    catching_up = catching_up_ms(truth)
    margin_ms = MARGIN_MS + SPACING_MS + catching_up
    faults = []
    if catching_up > MAX_CATCHING_UP_MS:
        faults.append(f"the server took {catching_up:.1f} ms to answer what had piled up")
    for part in (0.25, 0.5, 0.75):
        found, due = share_longer_than(run, part * STALL_MS), (1 - part) * STALL_MS / PERIOD_MS
        if abs(found - due) > (margin_ms + SPACING_MS) / PERIOD_MS:
            faults.append(f"{found:.4f} took over {part * STALL_MS:.0f} ms, expected {due:.4f}")
    return Proof(run, against_closed_form(run.metric("message_latency"), margin_ms), tuple(faults))


def closed_model(folder: Path) -> Run:
    """Run the closed model and show that it fails the comparison that the open one passes."""
    with serve(folder, record=False) as target:
        run = generate(target, folder, CLOSED, favoured=False)
    rows = against_closed_form(run.metric("message_latency"), MAX_CATCHING_UP_MS)
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
