"""What drifted, as a plain sentence."""

from surgewire.results.drift import Finding

HOURLY_S = 1_200.0
"""Growth is told for each minute until sending took so long: a figure for an hour, out of three
minutes, would be a forecast."""

_MINUTES_PER_HOUR = 60
_KIB = 1024


def sentence(finding: Finding, sending_s: float) -> str:
    """Say what became of one measure in ``sending_s`` seconds."""
    label = finding.measure.label
    unit = finding.measure.unit
    match finding.status:
        case "rising" | "falling" if finding.per_hour is not None:
            verb = "grew" if finding.per_hour > 0 else "fell"
            hourly = sending_s >= HOURLY_S
            amount = abs(finding.per_hour) / (1 if hourly else _MINUTES_PER_HOUR)
            return f"{label} {verb} by {_told(amount, unit)} per {'hour' if hourly else 'minute'}"
        case "settled" if finding.change is not None:
            verb = "grew" if finding.change > 0 else "fell"
            return f"{label} {verb} by {_told(abs(finding.change), unit)} at first, then no more"
        case "unknown":
            return f"{label}: too few messages to tell"
        case _:
            return f"{label} steady"


def _told(amount: float, unit: str) -> str:
    match unit:
        case "ms":
            return f"{_digits(amount)} ms"
        case "ratio":
            return f"{_digits(100 * amount)} percentage points"
        case "bytes":
            return _bytes(amount)
        case _:
            return _digits(amount)


def _digits(amount: float) -> str:
    """Write three significant digits: more would claim a precision that a slope does not have."""
    if amount >= 100:
        return f"{amount:,.0f}"
    return f"{amount:.1f}" if amount >= 10 else f"{amount:.3g}"


def _bytes(amount: float) -> str:
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        if amount < _KIB:
            break
        amount, unit = amount / _KIB, larger
    return f"{_digits(amount)} {unit}"
