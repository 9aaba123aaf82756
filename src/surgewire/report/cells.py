"""The figures that are shown while a run goes on."""

from typing import TypeAlias

from surgewire.report.wording import DASH, ms, per_s, share, whole
from surgewire.results.figures import Figures
from surgewire.results.metrics import CONNECT_TIME
from surgewire.results.usage import SATURATED_PERCENT

Cell: TypeAlias = tuple[str, str, str]
"""Name, value and style of a figure."""

_BAD = "bold red"


def cells_of(figures: Figures) -> list[Cell]:
    """Choose the figures that the phase is about; for two rows, column by column."""
    errors = ("errors", whole(figures.errors), _BAD if figures.errors else "")
    p99 = ("p99", _with_unit(figures.p99_ms), "")
    if figures.metric == CONNECT_TIME:
        connected = ("connected", f"{per_s(figures.connected_per_s)}/s", "")
        p50 = ("p50", _with_unit(figures.p50_ms), "")
        return [_level("open", figures.open, figures), connected, p50, p99, errors, _cpu(figures)]
    sent = ("sent", f"{per_s(figures.sent_per_s)}/s", "")
    received = f"{per_s(figures.received_per_s)}/s"
    lost = ("lost", whole(figures.lost), _BAD if figures.lost else "")
    if figures.joined is None:
        opened = _level("open", figures.open, figures)
        p50 = ("p50", _with_unit(figures.p50_ms), "")
        return [opened, errors, sent, ("received", received, ""), p50, p99, lost, _cpu(figures)]
    joined = _level("joined", figures.joined, figures)
    delivery = ("delivery", share(figures.delivery), _BAD if figures.lost else "")
    deliveries = ("deliveries", received, "")
    return [joined, errors, sent, deliveries, delivery, p99, lost, _cpu(figures)]


def _level(name: str, number: int, figures: Figures) -> Cell:
    return name, f"{whole(number)} of {whole(figures.requested)}", ""


def _cpu(figures: Figures) -> Cell:
    cpu = figures.worst_cpu_percent
    if cpu is None:
        return "worst CPU", DASH, ""
    return "worst CPU", f"{cpu:.0f} %", _BAD if cpu >= SATURATED_PERCENT else ""


def _with_unit(value_ms: float | None) -> str:
    return DASH if value_ms is None else f"{ms(value_ms)} ms"
