"""What the suite reports against what is expected, case by case; durations play no part."""

import json
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected.json"
EXPECTED_CASES = 247
# Those of the full run, which offers compression.
EXPECTED_FULL = Path(__file__).parent / "expected_full.json"
EXPECTED_FULL_CASES = 517
# Behaviour that no expectation can allow.
REFUSED = frozenset({"FAILED", "WRONG CODE", "UNIMPLEMENTED", "UNCLEAN", "FAILED BY CLIENT"})

Outcome = tuple[str, str]


def load_index(path: Path, agent: str) -> dict[str, Outcome]:
    """Return case -> (behavior, behaviorClose) of one agent in the suite's ``index.json``."""
    cases = json.loads(path.read_text())[agent]
    return {case: (entry["behavior"], entry["behaviorClose"]) for case, entry in cases.items()}


def load_expected(path: Path = EXPECTED) -> dict[str, Outcome]:
    """Return case -> (behavior, behaviorClose) of the committed file."""
    return {case: (first, second) for case, (first, second) in json.loads(path.read_text()).items()}


def save_expected(outcomes: dict[str, Outcome], path: Path = EXPECTED) -> None:
    """Write the outcomes as the expected ones, one case a line, in the suite's order."""
    lines = [
        f"  {json.dumps(case)}: {json.dumps(outcomes[case])}"
        for case in sorted(outcomes, key=_case_key)
    ]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def refused(outcomes: dict[str, Outcome]) -> list[str]:
    """Return a line for each case whose outcome can never be accepted."""
    return [
        f"{case}: {first}, close {second}"
        for case, (first, second) in sorted(outcomes.items(), key=lambda item: _case_key(item[0]))
        if first in REFUSED or second in REFUSED
    ]


def differences(expected: dict[str, Outcome], found: dict[str, Outcome]) -> list[str]:
    """Return a line for each case that differs, is missing or is new."""
    lines = []
    for case in sorted(expected.keys() | found.keys(), key=_case_key):
        if case not in found:
            lines.append(f"{case}: did not run")
        elif case not in expected:
            lines.append(f"{case}: not in the expected file")
        elif expected[case] != found[case]:
            was, now = (
                f"{first}, close {second}" for first, second in (expected[case], found[case])
            )
            lines.append(f"{case}: {now}; expected {was}")
    return lines


def _case_key(case: str) -> list[int]:
    return [int(part) for part in case.split(".")]
