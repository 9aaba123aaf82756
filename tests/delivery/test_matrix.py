"""The account of deliveries is exact: in every case, message by message, room by room, in total."""

from pathlib import Path

import pytest

from tests.delivery.matrix import ALL, EMBEDDED, FAULTS, Case, cases
from tests.delivery.runs import Outcome, carry_out, summary

pytestmark = [pytest.mark.delivery, pytest.mark.timeout(120)]

SHOWN = 20
SMALLEST_WINDOW = 64


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_account_is_exact(case: Case, tmp_path: Path) -> None:
    outcome = carry_out(case, tmp_path)
    check_account(outcome)
    check_that_it_happened(case, outcome)


def test_a_window_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes back after its number has left the window stays lost, and is counted apart."""
    monkeypatch.setattr("surgewire.engine.jobs.chat.window_bits", lambda *_: SMALLEST_WINDOW)
    case = Case(EMBEDDED, "delay", 1, "big", "churn")
    outcome = carry_out(case, tmp_path, window=SMALLEST_WINDOW)
    check_account(outcome)
    assert outcome.account.total["too_old"] > 0
    assert outcome.account.total["lost"] >= outcome.account.total["too_old"]


def check_account(outcome: Outcome) -> None:
    print(summary(outcome))
    differences = outcome.account.differences
    assert not differences, "\n".join([f"{len(differences)} differ:", *differences[:SHOWN]])


def check_that_it_happened(case: Case, outcome: Outcome) -> None:
    """A case proves nothing where the fault that it is about did not come up."""
    truth, total = outcome.truth, outcome.account.total
    assert total["delivered"] > 300
    assert total["warmup_delivered"] > 0
    came_up = {name for name in case.faults if any(truth.faults[e] for e in FAULTS[name])}
    came_up |= {"delay"} if total["late"] else set()
    # Of all together a short run may miss one or two that are rare.
    assert came_up >= set(case.faults) if case.fault != ALL else len(came_up) >= 4
    if case.motion == "churn":
        assert {m.how for m in outcome.account.memberships} >= {"left", "drained"}
    if case.motion != "still":
        assert len(outcome.account.memberships) > len(truth.links)
    if case.joining and case.motion == "churn" and case.shape == "big" and case.target != EMBEDDED:
        assert total["before_join"] > 0
    if not case.faults:
        assert total["lost_to_disconnect"] == total["duplicated"] == total["damaged"] == 0
        # Who leaves while a server overtakes itself has lost what lies below what it has heard.
        assert total["lost"] == 0 or case.motion == "churn"
