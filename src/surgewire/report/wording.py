"""Figures and texts as people read them, safe for a terminal."""

import math
from datetime import UTC, datetime

from surgewire.results.timeline import crossed_rule

DASH = "–"
"""Stands where a sample does not carry a figure."""

_KIB = 1024
_S_PER_MINUTE = 60


def plain(text: str) -> str:
    """Replace what a terminal could take as a command, and line breaks, by ``�``."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def whole(number: int) -> str:
    """``1234567`` as ``1,234,567``."""
    return f"{number:,}"


def ms(value: float | None) -> str:
    """Milliseconds with three decimals, or a dash."""
    return DASH if value is None else f"{value:,.3f}"


def per_s(value: float | None) -> str:
    """Write a frequency: whole from 100 on, with one decimal below."""
    if value is None:
        return DASH
    return f"{value:,.1f}" if 0 < value < 100 else f"{value:,.0f}"


def share(value: float | None) -> str:
    """Write a share of 1 as a percentage; it is never rounded up to 100."""
    if value is None:
        return DASH
    if value >= 1:
        return "100 %"
    return f"{math.floor(value * 1_000_000) / 10_000:.4f} %"


def size(size_bytes: int | None) -> str:
    """``3 kB`` and the like; a kB is 1,024 bytes, as in ``--size``."""
    if size_bytes is None:
        return DASH
    value, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB"):
        if abs(value) < _KIB:
            break
        value, unit = value / _KIB, larger
    return f"{value:.0f} {unit}" if value >= 100 or unit == "B" else f"{value:.1f} {unit}"


def counted(number: int, noun: str) -> str:
    """``1 interval``, ``2 intervals``."""
    return f"{whole(number)} {noun}" if number == 1 else f"{whole(number)} {noun}s"


def clock(seconds: float) -> str:
    """Elapsed time as ``m:ss`` or ``h:mm:ss``."""
    minutes, rest = divmod(int(seconds), _S_PER_MINUTE)
    hours, minutes = divmod(minutes, _S_PER_MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(iso: str) -> str:
    """``2026-01-31T12:00:00.123Z`` as ``2026-01-31 12:00:00 UTC``; anything else as it is."""
    try:
        instant = datetime.fromisoformat(iso).astimezone(UTC)
    except (ValueError, OverflowError):
        return plain(iso)
    return f"{instant:%Y-%m-%d %H:%M:%S} UTC"


def event_line(kind: str, detail: dict[str, object]) -> str:
    """Say in a few words what an event of a run was."""
    told = {name: plain(str(value)) for name, value in detail.items()}
    match kind:
        case "worker_died":
            how = (
                f"signal {told['signal']}"
                if detail.get("signal")
                else (f"exit code {told.get('exit_code', '?')}")
            )
            had = detail.get("connections")
            cut = f"; it had {counted(had, 'connection')}" if isinstance(had, int) else ""
            return f"worker {told.get('worker', '?')} died ({how}){cut}"
        case "clock_step":
            return f"the wall clock stepped by {told.get('step_ms', '?')} ms"
        case "stopping":
            return f"asked to stop by {told.get('signal', 'its caller')}"
        case "aborted":
            return f"stopped for the target's sake: --abort-on {plain(crossed_rule(detail))}"
        case "journal_failed":
            return f"the journal cannot be written: {told.get('reason', '?')}"
        case "journal_restored":
            return "the journal could be written again, and nothing of that time is missing"
        case "steal":
            return f"the hypervisor took {told.get('percent', '?')} % of the CPU"
        case "note":
            return told.get("text", "")
        case _:
            return plain(kind)
