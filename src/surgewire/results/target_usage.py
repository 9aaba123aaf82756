"""What the target's process used, where the plan named it. Constant memory."""

from dataclasses import dataclass, fields
from typing import Any

from surgewire.results.record import IntervalRecord

_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class TargetProcess:
    """The target's process and its children over the run."""

    pid: int
    cpu_percent: float | None
    """Mean of the measured phase while it lived, in percent of one core; None before that."""
    rss_bytes: int
    """Peak of resident memory."""
    rss_last_bytes: int
    """Resident memory when it was last seen alive."""
    gone_s: float | None
    """When it was found to have ended, seconds since the start; None: it lived to the end."""

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


class TargetUsage:
    """Collects samples of the target's process, interval by interval."""

    def __init__(self) -> None:
        self._pid: int | None = None
        self._cpu_s = 0.0
        self._measured_s = 0.0
        self._rss_peak_bytes = 0
        self._rss_last_bytes = 0
        self._gone_s: float | None = None

    def add(self, record: IntervalRecord, measured: bool) -> None:
        """Take in an interval; ``measured``: whether it is of the phase the figures are about."""
        sample = record.target
        if sample is None:
            return
        self._pid = sample.pid
        if not sample.alive:
            self._gone_s = record.at_s if self._gone_s is None else self._gone_s
            return
        self._rss_last_bytes = sample.rss_bytes
        self._rss_peak_bytes = max(self._rss_peak_bytes, sample.rss_bytes)
        if measured:
            self._cpu_s += sample.cpu_percent / 100.0 * record.length_s
            self._measured_s += record.length_s

    def process(self) -> TargetProcess | None:
        """Give what was seen so far; None where no process was named."""
        if self._pid is None:
            return None
        percent = 100.0 * self._cpu_s / self._measured_s if self._measured_s > 0 else None
        return TargetProcess(
            pid=self._pid,
            cpu_percent=None if percent is None else round(percent, 1),
            rss_bytes=self._rss_peak_bytes,
            rss_last_bytes=self._rss_last_bytes,
            gone_s=None if self._gone_s is None else round(self._gone_s, _DECIMALS),
        )
