"""The comparison of the conformance gate."""

import json
from pathlib import Path

import pytest

from tests.conformance.compare import (
    EXPECTED,
    EXPECTED_CASES,
    EXPECTED_FULL,
    EXPECTED_FULL_CASES,
    differences,
    load_expected,
    load_index,
    refused,
    save_expected,
)


def test_index_is_read_without_durations(tmp_path: Path) -> None:
    entry = {"behavior": "OK", "behaviorClose": "INFORMATIONAL", "duration": 3, "reportfile": "x"}
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"surgewire": {"1.1.1": entry}, "other": {}}))
    assert load_index(index, "surgewire") == {"1.1.1": ("OK", "INFORMATIONAL")}


def test_expected_outcomes_round_trip(tmp_path: Path) -> None:
    outcomes = {"10.1.1": ("OK", "OK"), "2.1": ("NON-STRICT", "OK"), "2.10": ("OK", "OK")}
    path = tmp_path / "expected.json"
    save_expected(outcomes, path)
    assert load_expected(path) == outcomes
    assert list(load_expected(path)) == ["2.1", "2.10", "10.1.1"]


def test_differences_name_the_case() -> None:
    expected = {"1.1": ("OK", "OK"), "1.2": ("OK", "OK"), "1.3": ("OK", "OK")}
    found = {"1.1": ("OK", "OK"), "1.2": ("NON-STRICT", "OK"), "1.4": ("OK", "OK")}
    assert differences(expected, found) == [
        "1.2: NON-STRICT, close OK; expected OK, close OK",
        "1.3: did not run",
        "1.4: not in the expected file",
    ]


@pytest.mark.parametrize("bad", ["FAILED", "WRONG CODE", "UNIMPLEMENTED", "UNCLEAN"])
def test_failure_is_refused_whatever_is_expected(bad: str) -> None:
    assert refused({"1.1": (bad, "OK")}) == [f"1.1: {bad}, close OK"]
    assert refused({"1.1": ("OK", bad)}) == [f"1.1: OK, close {bad}"]
    assert refused({"1.1": ("NON-STRICT", "INFORMATIONAL")}) == []


@pytest.mark.parametrize(
    ("path", "cases"), [(EXPECTED, EXPECTED_CASES), (EXPECTED_FULL, EXPECTED_FULL_CASES)]
)
def test_committed_files_expect_no_failure(path: Path, cases: int) -> None:
    expected = load_expected(path)
    assert len(expected) == cases
    assert refused(expected) == []
