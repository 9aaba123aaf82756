from surgewire.report.text import format_report
from surgewire.results.awkward import Awkward, AwkwardDelivery
from surgewire.results.doubt import DoubtCode
from surgewire.results.record import Record
from surgewire.results.verdict import Status
from tests.results.samples import echo_run, interval, tally_of

COUNTS = {
    "awkward_failed": 1,
    "awkward_expected": 12,
    "awkward_delivered": 7,
    "awkward_lost": 3,
    "awkward_lost_to_disconnect": 2,
    "failed": 1,
    "attempted": 1,
}
FACTS = {
    "behave_vanish": 2,
    "behave_vanish:vanished": 2,
    "behave_slow-upgrade": 1,
    "behave_slow-upgrade:timeout_upgrade": 1,
    "address_::1": 5,
}


def awkward_run(**more: int) -> list[Record]:
    """The records of an echo run in which all goes well, but for awkward users."""
    first, *rest = echo_run()
    return [first, interval(0.5, "connecting", counters=COUNTS | more, facts=FACTS), *rest]


def test_nobody_misbehaved() -> None:
    result = tally_of(*echo_run()).result()
    assert result.awkward is None
    assert result.to_dict()["awkward"] is None
    assert "Awkward" not in format_report(result)


def test_what_became_of_them_is_told_by_behaviour() -> None:
    result = tally_of(*awkward_run()).result()
    assert result.awkward is not None
    assert result.to_dict()["awkward"] == {
        "users": 3,
        "failed": 1,
        "behaviours": {
            "slow-upgrade": {"users": 1, "ends": {"timeout_upgrade": 1}},
            "vanish": {"users": 2, "ends": {"vanished": 2}},
        },
        "delivery": {
            "expected": 12,
            "delivered": 7,
            "lost": 3,
            "lost_to_disconnect": 2,
            "in_flight_at_leave": 0,
            "undecided": 0,
            "duplicated": 0,
            "reordered": 0,
            "late": 0,
            "foreign": 0,
            "damaged": 0,
            "unmarked": 0,
            "misrouted": 0,
            "too_old": 0,
            "before_join": 0,
        },
    }


def test_nothing_of_it_counts_against_the_server() -> None:
    good, result = (tally_of(*run()).result() for run in (echo_run, awkward_run))
    assert result.delivery == good.delivery
    assert result.connections.failed == 0
    assert (result.verdict, result.thresholds) == (good.verdict, good.thresholds)
    assert result.verdict.status is Status.PASS


def test_an_account_that_does_not_balance_is_in_doubt() -> None:
    result = tally_of(*awkward_run(awkward_delivered=6)).result()
    (doubt,) = [d for d in result.doubts if d.code is DoubtCode.LEDGER_UNBALANCED]
    assert doubt.figure == 1
    assert "of awkward users" in doubt.message


def test_the_report_shows_them() -> None:
    report = format_report(tally_of(*awkward_run()).result())
    assert "Awkward      slow-upgrade 1   timeout_upgrade 1\n" in report
    assert "             vanish 2   vanished 2\n" in report
    assert "expected 12 = delivered 7 + lost 3 + lost to disconnect 2 (kept apart)" in report
    assert "undecided" not in report
    undecided = format_report(tally_of(*awkward_run(awkward_delivered=5)).result())
    assert "+ undecided 2 (kept apart)" in undecided


def test_kinds_with_colons_are_whole() -> None:
    found = Awkward.of({}, {"behave_silent": 1, "behave_silent:a:b": 1})
    assert found is not None
    assert found.behaviours["silent"].ends == {"a:b": 1}


def test_without_counts_the_account_is_empty() -> None:
    assert AwkwardDelivery.of({}).undecided == 0
