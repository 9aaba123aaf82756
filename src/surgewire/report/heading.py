"""The head of the text report: which run it was, and what was asked for."""

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from surgewire.plan.units import Rate, UnitError, format_duration, format_rate, format_size
from surgewire.report.layout import flow
from surgewire.report.wording import counted, moment, plain
from surgewire.results.result import Result

_PPM_PER_PERCENT = 10_000
_WHOLE_PPM = 1_000_000


def title(result: Result, width: int) -> list[Text]:
    """Name the run, and what was asked for."""
    kind = plain(result.run.kind) or "run"
    first = Text.assemble((f"surgewire {kind}", "bold"), "  ", plain(result.target.url))
    when = Text(moment(result.started_at), "dim")
    asked = Text(plain(", ".join(_asked(result))), "dim")
    return [flow([first, when], width), asked, *insecure_banner(result.run.plan)]


def insecure_banner(plan: Mapping[str, Any]) -> list[Text]:
    """Say that certificates are not checked, where a plan (as a map) says so."""
    tls = plan.get("tls")
    if not isinstance(tls, Mapping) or tls.get("insecure") is not True:
        return []
    return [Text("INSECURE: certificates are not checked (--insecure)", "bold red")]


def _asked(result: Result) -> list[str]:
    plan = result.run.plan
    told = [counted(result.connections.requested, "connection") + _in_rooms(plan)]
    match result.run.kind:
        case "connect":
            told += _of_connecting(plan)
        case "chat":
            told += _of_chat(plan)
        case _:
            told += ["one message in flight each"] if plan.get("pingpong") is True else []
            told += _told(plan, "rate", "{} each") + _told(plan, "size_bytes", "{} bytes")
            told += _of_sending(plan)
    return told + _told(plan, "ping_ns", "ping every {}")


def _of_connecting(plan: dict[str, Any]) -> list[str]:
    told = _told(plan, "connect_rate", "at {}") + _told(plan, "connect_rate_end", "climbing to {}")
    told += ["all at once"] if plan.get("storm") is not None else []
    if isinstance(waves := plan.get("waves"), str):
        told.append(f"in waves {waves}")
    told += ["until the first message"] if plan.get("until_message") is True else []
    told += _told(plan, "hold_ns", "held {}")
    storm = plan.get("reconnect_storm_ppm")
    if isinstance(storm, int) and storm > 0:
        told.append(f"then {_percent(storm)} leave and come back")
    return told


def _of_chat(plan: dict[str, Any]) -> list[str]:
    told = _told(plan, "rate", "{} each")
    speak = plan.get("senders_ppm")
    if isinstance(speak, int) and speak < _WHOLE_PPM:
        told.append(f"{_percent(speak)} of them speak")
    if isinstance(size := plan.get("size"), str):
        told.append(f"{size} bytes")
    told += _of_sending(plan)
    churn = plan.get("churn_ppm")
    if isinstance(churn, int) and churn > 0:
        told += _told(plan, "churn_per_ns", f"churn {_percent(churn)} in {{}}")
    return told


def _in_rooms(plan: dict[str, Any]) -> str:
    rooms = plan.get("rooms")
    return f" in {counted(rooms, 'room')}" if isinstance(rooms, int) else ""


def _of_sending(plan: dict[str, Any]) -> list[str]:
    told = _told(plan, "duration_ns", "for {}") + _told(plan, "warmup_ns", "warm-up {}")
    return (
        told + _told(plan, "ramp_ns", "ramp {}") + _told(plan, "connect_rate", "connecting at {}")
    )


def _percent(ppm: int) -> str:
    return f"{ppm / _PPM_PER_PERCENT:g} %"


def _told(plan: dict[str, Any], name: str, form: str) -> list[str]:
    value = plan.get(name)
    try:
        if isinstance(value, dict):
            return [form.format(format_rate(Rate(**value)))]
        if isinstance(value, int) and value > 0:
            write = format_duration if name.endswith("_ns") else format_size
            return [form.format(write(value))]
    except (TypeError, UnitError):
        pass
    return []
