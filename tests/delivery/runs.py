"""Carrying out one case, and comparing all that was counted with what really happened."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import surgewire
from surgewire.engine.journal import read_journal
from surgewire.plan.chat import ChatPlan
from surgewire.results.record import RoomsRecord
from tests.delivery.matrix import Case
from tests.delivery.oracle import compare, judge
from tests.delivery.trace import read_trace
from tests.delivery.truth import Truth, read_truth
from tests.delivery.walk import Account, Rules

COUNTED = (
    "sent", "expected", "delivered", "lost", "lost_to_disconnect", "in_flight_at_leave",
    "duplicated", "reordered", "late", "foreign", "damaged", "unmarked", "misrouted", "too_old",
    "warmup_sent", "warmup_delivered", "before_join", "complete",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """One run, and what was found."""

    result: surgewire.Result
    truth: Truth
    account: Account


def carry_out(case: Case, folder: Path, *, window: int | None = None) -> Outcome:
    """Run a case and draw up the account by the truth; what differs is in the account.

    window: how many numbers of a stream the ledger tells apart; None: all that are sent.
    """
    trace = folder / "trace"
    with case.serve(folder) as target:
        plan = ChatPlan(url=case.url(target.url), trace=str(trace), **case.plan)
        result = surgewire.run(plan, runs_dir=folder / "runs")
    run_folder = folder / "runs" / result.run.id
    crashes = list(run_folder.glob("worker-*-crash.txt"))
    assert not crashes, crashes[0].read_text()
    truth = read_truth(target.truth, target.proxied)
    rules = Rules(plan.deadline_ns, case.others, window)
    account = judge(truth, read_trace(trace, case.workers), rules)
    compare(account, rooms_of(run_folder), reported(result))
    _check_shown(result, account)
    return Outcome(result, truth, account)


def reported(result: surgewire.Result) -> dict[str, int]:
    """Return the counters of a result; they are the same under the names of the ledger."""
    return {name: getattr(result.delivery, name) for name in COUNTED}


def rooms_of(run_folder: Path) -> list[dict[str, int]]:
    """Read what was counted in each room, to the end of the run."""
    records = read_journal(run_folder / "journal.bin").records
    latest = [record for record in records if isinstance(record, RoomsRecord)][-1]
    assert set(latest.counters) == set(COUNTED)
    return [dict(zip(latest.counters, row, strict=True)) for row in latest.array().tolist()]


def _check_shown(result: surgewire.Result, account: Account) -> None:
    """Compare what the result says of rooms, and what was measured, with the account."""
    assert result.rooms is not None
    say = account.differences.append
    for shown in result.rooms.all:
        values: dict[str, Any] = shown.to_dict()
        true = account.rooms[values["room"]]
        wrong = {n: v for n, v in values.items() if n in COUNTED and v != true[n]}
        if wrong or values["undecided"]:
            say(f"room {values['room']}: the result shows {wrong}, {values['undecided']} undecided")
    if not result.rooms.identity_holds or result.delivery.undecided:
        say("the result says that the identity does not hold")
    for metric in ("message_latency", "service_time"):
        count = result.metrics[metric].count
        if count != account.total["delivered"]:
            say(f"{metric} has {count} values for {account.total['delivered']} deliveries")


def summary(outcome: Outcome) -> str:
    """One line for the record of the proof."""
    total: Counter[str] = outcome.account.total
    return ", ".join(f"{name} {total[name]}" for name in COUNTED if total[name])
