"""The parts of the text report, each made from a result."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from surgewire.report.layout import fault, flow, kinds, pair
from surgewire.report.wording import DASH, event_line, ms, per_s, plain, size, whole
from surgewire.results.result import Result
from surgewire.results.summary import Summary
from surgewire.results.usage import SATURATED_PERCENT
from surgewire.results.verdict import Status

_EVENTS_SHOWN = 5
_WORKERS_SHOWN = 8
# Told elsewhere in the report: as a note, or as a doubt with the figure over all of them.
_TOLD_ELSEWHERE = frozenset({"note", "steal", "clock_step", "journal_failed"})
_ROUTINE = frozenset({"phase", "connected", "sending"}) | _TOLD_ELSEWHERE

_STYLES = {
    Status.PASS: "bold green",
    Status.DOUBTFUL: "bold yellow",
    Status.FAIL: "bold red",
    Status.RUNNING: "bold cyan",
    Status.INTERRUPTED: "bold yellow",
    Status.FAILED: "bold red",
}


def connections(result: Result, width: int) -> RenderableType:
    """Write what was asked of connections and what was reached."""
    part = result.connections
    items = [
        pair("requested", whole(part.requested)),
        pair("attempted", whole(part.attempted)),
        pair("established", whole(part.established)),
        fault("failed", part.failed),
        pair("peak open", whole(part.peak_open)),
    ]
    if part.per_s is not None and result.attempts is None:
        items.append(pair("rate", f"{per_s(part.per_s)}/s"))
    return flow(items, width)


def errors(result: Result, width: int) -> RenderableType:
    """Write how many attempts failed, by kind."""
    return kinds(result.connections.errors, width)


def times_of(result: Result) -> list[tuple[str, Summary]]:
    """Choose the metrics that apply, in order."""
    rows = [
        ("connect", "connect_time"),
        ("  redirect", "redirect_time"),
        ("  dns", "dns_time"),
        ("  tcp", "tcp_time"),
        ("  proxy", "proxy_time"),
        ("  tls", "tls_time"),
        ("  tls resumed", "tls_time_resumed"),
        ("  upgrade", "upgrade_time"),
        ("join", "join_time"),
    ]
    if result.run.kind == "connect":
        rows += [
            ("1st message", "first_message_time"),
            ("start lag", "connect_lag"),
            ("back in", "rejoin_time"),
        ]
    else:
        rows += [
            ("latency", "message_latency"),
            ("  service", "service_time"),
            ("  send lag", "send_lag"),
            ("to the first", "fanout_first"),
            ("to the median", "fanout_median"),
            ("to the last", "fanout_last"),
            ("rejoin", "rejoin_time"),
        ]
    rows.append(("ping", "ping_time"))
    return [(label, result.metrics[name]) for label, name in rows if name in result.metrics]


def target(result: Result, width: int) -> list[RenderableType]:
    """Write what the target's process used, where it was named."""
    process = result.target.process
    if process is None:
        return []
    items = [pair("process", str(process.pid))]
    if process.cpu_percent is not None:
        items.append(pair("CPU", f"{process.cpu_percent:.0f} % of a core"))
    items.append(pair("memory at most", size(process.rss_bytes)))
    items.append(pair("at the end", size(process.rss_last_bytes)))
    if process.gone_s is not None:
        items.append(pair("gone since", f"{process.gone_s:,.1f} s", "bold red"))
    return [flow(items, width)]


def generator(result: Result, width: int) -> RenderableType:
    """Write what the load generator itself used and added."""
    part = result.generator
    if not part.processes:
        return Text("nothing is known of the workers", "dim")
    items = [
        pair("workers", whole(part.processes)),
        pair("CPU of a core each", *_cpu(part.cpu_percent)),
        pair("CPU time", f"{sum(part.cpu_seconds):,.1f} s"),
        pair("loop lag", _p99_and_max(part.loop_lag)),
        pair("memory", _memory(result)),
        *_overhead(result),
    ]
    return flow(items, width)


def events(result: Result) -> list[RenderableType]:
    """List what happened that does not happen when all goes well."""
    found = [event for event in result.events if event.kind not in _ROUTINE]
    lines = [
        f"{event.at_s:.1f} s  {event_line(event.kind, event.detail)}"
        for event in found[:_EVENTS_SHOWN]
    ]
    if len(found) > _EVENTS_SHOWN:
        lines.append(f"and {len(found) - _EVENTS_SHOWN} more")
    return [Text("\n".join(lines))] if lines else []


def notes(result: Result) -> list[RenderableType]:
    """List the remarks that put no figure in doubt."""
    return [Text("\n".join(plain(note.message) for note in result.notes))] if result.notes else []


def doubts(result: Result) -> RenderableType:
    """List the warnings about our own figures."""
    if not result.doubts:
        return Text("none", "dim")
    grid = Table.grid(padding=(0, 1, 0, 0), pad_edge=False)
    grid.add_column(width=1, style="bold yellow")
    grid.add_column()
    for doubt in result.doubts:
        told = Text.assemble((doubt.code.value, "bold yellow"), f": {plain(doubt.message)}")
        grid.add_row("!", told)
        grid.add_row("", Text(plain(doubt.advice), "dim"))
    return grid


def verdict(result: Result) -> RenderableType:
    """Write the verdict and its reasons."""
    status, reasons = result.verdict.status, result.verdict.reasons
    if not reasons:
        told = "every connection was established and held"
        if result.run.kind != "connect":
            told += ", and every message arrived in time"
        reasons = (told,)
    word = status.value.upper()
    grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
    grid.add_row(Text(word, _STYLES[status]), Text("\n".join(map(plain, reasons))))
    return grid


def _cpu(percents: tuple[float, ...]) -> tuple[str, str]:
    busiest = max(percents)
    style = "bold red" if busiest >= SATURATED_PERCENT else "bold"
    if len(percents) > _WORKERS_SHOWN:
        mean = sum(percents) / len(percents)
        return f"{min(percents):.0f} … {busiest:.0f} %, mean {mean:.0f} %", style
    return " ".join(f"{percent:.0f} %" for percent in percents), style


def _p99_and_max(summary: Summary) -> str:
    if not summary.count:
        return DASH
    return f"p99 {ms(summary.p99)} max {ms(summary.max)} ms"


def _memory(result: Result) -> str:
    part = result.generator
    whole_bytes = part.rss_bytes if part.pss_bytes is None else part.pss_bytes
    if part.memory_per_connection_bytes is None:
        return size(whole_bytes)
    return f"{size(whole_bytes)}, {size(part.memory_per_connection_bytes)} per connection"


def _overhead(result: Result) -> list[Text]:
    """Write what we add to latencies, as the kernel's own stamps bound it."""
    ways = (("receive", "witness_receive"), ("send", "witness_send"))
    return [
        pair(f"own {way} overhead", f"p50 {ms(summary.p50)} p99 {ms(summary.p99)} ms")
        for way, summary in ((way, result.metrics[name]) for way, name in ways)
        if summary.count
    ]
