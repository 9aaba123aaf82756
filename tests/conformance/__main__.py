"""Runs the Autobahn cases and compares: ``python -m tests.conformance``.

Exit code 0 when every case behaves as the committed file says, 1 when one does not, 2 when the
suite cannot be run. ``--full`` offers compression and adds the cases of limits and of compression,
which takes some minutes; ``--tls`` runs over TLS. ``--accept`` writes the committed file anew from
what was found, unless a case failed. ``--client reference`` drives the ``websockets`` client
instead of ours.
"""

import argparse
import sys
import time
from collections import Counter

from tests.conformance import client, reference
from tests.conformance.compare import (
    EXPECTED,
    EXPECTED_CASES,
    EXPECTED_FULL,
    EXPECTED_FULL_CASES,
    Outcome,
    differences,
    load_expected,
    load_index,
    refused,
    save_expected,
)
from tests.conformance.suite import FURTHER_GROUPS, GROUPS, REPORTS, SuiteError, serving

CLIENTS = {"surgewire": client.drive, "reference": reference.drive}


def run(agent: str, *, full: bool, secure: bool) -> dict[str, Outcome]:
    """Drive one client through all cases and return the outcomes."""
    begun = time.monotonic()
    groups = GROUPS + FURTHER_GROUPS if full else GROUPS
    with serving(groups, secure=secure) as server:
        count = CLIENTS[agent](server, agent, compresses=full)
    outcomes = load_index(REPORTS / "index.json", agent)
    behaviours = Counter(first for first, _ in outcomes.values())
    summary = ", ".join(f"{behaviour} {n}" for behaviour, n in behaviours.most_common())
    way = "over TLS " if secure else ""
    print(f"{agent}: {count} cases {way}in {time.monotonic() - begun:.0f} s: {summary}")
    return outcomes


def main() -> int:
    """Run, compare, print what differs, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--client", choices=CLIENTS, default="surgewire")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--accept", action="store_true")
    options = parser.parse_args()
    path, cases = (
        (EXPECTED_FULL, EXPECTED_FULL_CASES) if options.full else (EXPECTED, EXPECTED_CASES)
    )
    try:
        outcomes = run(options.client, full=options.full, secure=options.tls)
    except SuiteError as error:
        print(f"conformance: {error}", file=sys.stderr)
        return 2
    problems = refused(outcomes)
    if len(outcomes) != cases:
        problems.append(f"{len(outcomes)} cases ran, expected {cases}")
    if options.accept and not problems:
        save_expected(outcomes, path)
        print(f"wrote {path}")
    if options.client == "surgewire":
        problems += differences(load_expected(path), outcomes)
    for problem in problems:
        print(f"  {problem}", file=sys.stderr)
    print("conformance: " + ("FAILED" if problems else "every case behaves as expected"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
