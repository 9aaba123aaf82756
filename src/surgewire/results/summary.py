"""A histogram in figures: milliseconds, each percentile only where the sample carries it."""

from dataclasses import dataclass, fields
from typing import Any, Self

from surgewire._core.histogram import Histogram
from surgewire.results.percentile import PERCENTILES, eligible

UNIT = "ms"
_NS_PER_MS = 1_000_000
_DECIMALS = 3


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of one metric, in milliseconds; None where the sample does not carry the figure."""

    count: int = 0
    min: float | None = None
    mean: float | None = None
    max: float | None = None
    p50: float | None = None
    p90: float | None = None
    p95: float | None = None
    p99: float | None = None
    p99_9: float | None = None

    @classmethod
    def of(cls, histogram: Histogram) -> Self:
        """Read a histogram of nanoseconds."""
        count = histogram.count
        if count == 0:
            return cls()
        percentiles = {
            name: _ms(histogram.value_at_percentile(percentile))
            for name, percentile in PERCENTILES.items()
            if eligible(name, count)
        }
        return cls(
            count=count,
            min=_ms(histogram.min),
            mean=_ms(histogram.mean),
            max=_ms(histogram.max),
            **percentiles,
        )

    def tail(self) -> tuple[str, float] | None:
        """Name and value of the highest percentile up to p99 that the sample carries."""
        for name in ("p99", "p95", "p90", "p50"):
            value: float | None = getattr(self, name)
            if value is not None:
                return name, value
        return None

    def missing(self) -> list[str]:
        """Names of the percentiles that the sample is too small for."""
        return [name for name in PERCENTILES if getattr(self, name) is None]

    def to_dict(self) -> dict[str, Any]:
        """As the result file has it."""
        return {"unit": UNIT} | {item.name: getattr(self, item.name) for item in fields(self)}


def _ms(value_ns: float) -> float:
    return round(value_ns / _NS_PER_MS, _DECIMALS)
