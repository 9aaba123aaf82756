"""What drifted, as sentences."""

import pytest

from surgewire.results.drift import Finding
from surgewire.results.drift_words import sentence
from surgewire.results.measure import DELIVERY, JOINED, P99, TARGET_MEMORY

HOUR_S = 3_600.0
MIB = 1 << 20


@pytest.mark.parametrize(
    ("finding", "sending_s", "said"),
    [
        (Finding(P99, "rising", 40.0, 4.0, 32.0), 8 * HOUR_S, "p99 grew by 4 ms per hour"),
        (Finding(P99, "rising", 40.0, 300.0, 15.0), 180.0, "p99 grew by 5 ms per minute"),
        (Finding(P99, "falling", 40.0, -0.1234, 1.0), HOUR_S, "p99 fell by 0.123 ms per hour"),
        (Finding(DELIVERY, "steady", 1.0, None, None), HOUR_S, "delivery steady"),
        (
            Finding(DELIVERY, "falling", 1.0, -0.002, -0.016),
            8 * HOUR_S,
            "delivery fell by 0.2 percentage points per hour",
        ),
        (
            Finding(JOINED, "falling", 900.0, -1_234.5, -1_234.5),
            HOUR_S,
            "joined users fell by 1,234 per hour",
        ),
        (
            Finding(TARGET_MEMORY, "rising", 2e8, 12.0 * MIB, 96.0 * MIB),
            8 * HOUR_S,
            "target memory grew by 12.0 MB per hour",
        ),
        (
            Finding(TARGET_MEMORY, "settled", 2e8, None, 150.0 * MIB),
            8 * HOUR_S,
            "target memory grew by 150 MB at first, then no more",
        ),
        (Finding(P99, "unknown", None, None, None), HOUR_S, "p99: too few messages to tell"),
    ],
)
def test_sentences(finding: Finding, sending_s: float, said: str) -> None:
    assert sentence(finding, sending_s) == said
