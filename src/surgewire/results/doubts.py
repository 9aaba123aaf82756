"""All doubts there are, and the search for those that a run gives reason to."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from surgewire.results.doubt import Doubt, DoubtCode
from surgewire.results.doubts_account import (
    check_clock_step,
    check_few_samples,
    check_journal_incomplete,
    check_ledger_unbalanced,
    check_ledger_window,
    check_worker_died,
)
from surgewire.results.doubts_load import (
    check_connect_lag,
    check_local_limits,
    check_loop_lag,
    check_planned_skipped,
    check_send_lag,
    check_steal,
    check_timer_fallback,
    check_worker_saturated,
)

if TYPE_CHECKING:
    from surgewire.results.tally import Tally

__all__ = ["CHECKS", "Doubt", "DoubtCode", "find_doubts"]

CHECKS: tuple[Callable[["Tally"], Doubt | None], ...] = (
    check_worker_died,
    check_journal_incomplete,
    check_worker_saturated,
    check_send_lag,
    check_loop_lag,
    check_connect_lag,
    check_planned_skipped,
    check_local_limits,
    check_steal,
    check_clock_step,
    check_timer_fallback,
    check_ledger_window,
    check_ledger_unbalanced,
    check_few_samples,
)


def find_doubts(tally: "Tally") -> tuple[Doubt, ...]:
    """Run all checks; the gravest doubts come first."""
    found = (check(tally) for check in CHECKS)
    return tuple(doubt for doubt in found if doubt is not None)
