from pathlib import Path

import pytest

from surgewire.report.find import format_found, sentence, step_line
from surgewire.results.find import FindResult, FindStep
from surgewire.results.rate_search import Conclusion, Ending, Outcome

HELD = FindStep(
    200, Outcome.HELD, "p99 3.000 ms", "run-1", 1_000, 0, 200.4, 3, 0.5, 3.0, 9.25,
)  # fmt: skip
BROKE = FindStep(
    400, Outcome.BROKE, "only 301.0/s were reached", "run-2", 2_000, 0, 301.0, 640, 310.0, 655.0,
    661.5,
)  # fmt: skip


def found(ending: Ending, held: int | None, failed: int | None, *steps: FindStep) -> FindResult:
    by = steps[-1].outcome if failed is not None and steps else None
    return FindResult(
        "20260131-120000-find-a1b2", "ws://127.0.0.1:8765/", "2026-01-31T12:00:00Z", "0.1.0",
        100.0, steps, Conclusion(ending, held, failed, by), interrupted=ending is Ending.GOING_ON,
    )  # fmt: skip


def test_the_whole_report() -> None:
    text = format_found(found(Ending.FOUND, 200, 400, HELD, BROKE), Path("runs/x"))
    assert (
        text
        == """\
surgewire connect --find-rate  ws://127.0.0.1:8765/   2026-01-31 12:00:00 UTC
goal: every connection established, p99 up to 100.000 ms

rate/s  tried  failed  reached/s  backlog   p50 ms   p99 ms   max ms  outcome
   200  1,000       0        200        3    0.500    3.000    9.250  held
   400  2,000       0        301      640  310.000  655.000  661.500  broke

Found        The highest rate that held is 200/s, with all connections established and p99 up to
             100.000 ms. 400/s did not: only 301.0/s were reached.
Folder       runs/x
"""
    )


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (found(Ending.AT_LEAST, 200, None, HELD), "At least 200/s: the highest rate that was"),
        (
            found(Ending.AT_LEAST, 200, 400, HELD, FindStep(400, Outcome.DOUBTFUL, "busy")),
            "at 400/s is not known, for the generator itself was in doubt: busy.",
        ),
        (found(Ending.NONE, None, 1, FindStep(1, Outcome.BROKE, "slow")), "not even 1/s: slow."),
        (
            found(Ending.UNCLEAR, None, 1, FindStep(1, Outcome.DOUBTFUL, "busy")),
            "Nothing can be said: the generator itself was in doubt at 1/s: busy.",
        ),
        (found(Ending.GOING_ON, 200, None, HELD), "Stopped before the end; until then 200/s held."),
        (found(Ending.GOING_ON, None, None), "until then no rate held."),
    ],
)
def test_what_the_search_came_to(result: FindResult, said: str) -> None:
    assert said in sentence(result)
    assert "Found" in format_found(result)


def test_what_a_server_says_is_no_command_to_the_terminal() -> None:
    line = step_line(FindStep(5, Outcome.BROKE, "1 of 5 connections failed (\x1b[31m)"))
    assert line == "5/s broke: 1 of 5 connections failed (�[31m)"
