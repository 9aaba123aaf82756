"""The self-test: a few seconds of echo on loopback, from one worker."""

import tempfile
from dataclasses import dataclass
from typing import Any

from surgewire.doctor.ability import SelfTest
from surgewire.engine.run import run
from surgewire.errors import SurgewireError
from surgewire.plan.models import EchoPlan
from surgewire.plan.units import Rate
from surgewire.results.doubt import DoubtCode
from surgewire.results.metrics import WITNESS_RECEIVE, WITNESS_SEND
from surgewire.results.result import Result
from surgewire.results.summary import Summary
from surgewire.results.verdict import Status
from surgewire.targets.spawned import most_connections, spawned_echo

SECONDS = 7
"""About how long it takes."""

_CONNECTIONS = 600
_RAMP = "200ms"
_DRAIN = "300ms"
# Rates to try, as shares of what went through in a closed loop: the first that is held counts.
_LADDER = (0.8, 0.5, 0.2)
_NS_PER_S = 1_000_000_000
# p99 needs 1,000 samples, and a connection gives one a second.
_SAMPLES = 1_200
# With few connections there are too few samples then, which is said.
_LONGEST_NS = 12 * _NS_PER_S
# With these, messages were late or not sent at all: the rate was not held.
_NOT_HELD = frozenset(
    {
        DoubtCode.WORKER_SATURATED,
        DoubtCode.SEND_LAG,
        DoubtCode.LOOP_LAG,
        DoubtCode.PLANNED_SKIPPED,
    }
)


@dataclass(frozen=True, slots=True)
class _Bench:
    """An echo server, and where the folders of runs go."""

    url: str
    folder: str
    size_bytes: int
    connections: int

    def run(self, **values: Any) -> Result:
        given: dict[str, Any] = {
            "url": self.url,
            "size_bytes": self.size_bytes,
            "connections": self.connections,
            "processes": 1,
            "ramp": _RAMP,
            "drain": _DRAIN,
        }
        result = run(EchoPlan(**given, **values), runs_dir=self.folder)
        if result.verdict.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if result.verdict.status is Status.FAILED:
            raise SurgewireError(f"a run on loopback failed: {result.verdict.reasons[0]}")
        return result


def measure(size_bytes: int) -> SelfTest:
    """Measure what one worker can generate here with messages of `size_bytes`.

    Starts an echo server in a process of its own and ends it; leaves no files. Raises
    SurgewireError when the server does not start or no run can be done, and KeyboardInterrupt at
    Ctrl-C.
    """
    connections = min(_CONNECTIONS, most_connections())
    with tempfile.TemporaryDirectory(prefix="surgewire-") as folder, spawned_echo() as url:
        bench = _Bench(url, folder, size_bytes, connections)
        closed = bench.run(pingpong=True, duration="1s", witness=0)
        highest = _highest(bench, closed.traffic.sent_per_s or 0.0)
        return _summary(bench, closed, highest, _quiet(bench))


def _highest(bench: _Bench, closed_loop_per_s: float) -> Result | None:
    """Run at lower and lower planned rates until one is held in time."""
    for share in _LADDER:
        each_per_1000_s = round(1000 * share * closed_loop_per_s / bench.connections)
        if each_per_1000_s == 0:
            break
        rate = Rate(each_per_1000_s, 1000 * _NS_PER_S)
        result = bench.run(rate=rate, duration="1s", witness=0)
        late = _NOT_HELD & {doubt.code for doubt in result.doubts}
        if not late and result.delivery.delivered == result.delivery.expected:
            return result
    return None


def _quiet(bench: _Bench) -> Result:
    """Run so little that what is left of a latency is our own."""
    duration_ns = min(_SAMPLES * _NS_PER_S // bench.connections, _LONGEST_NS)
    witness = min(bench.connections, 1024)
    return bench.run(rate=Rate(2, _NS_PER_S), duration_ns=duration_ns, witness=witness)


def _summary(bench: _Bench, closed: Result, highest: Result | None, quiet: Result) -> SelfTest:
    percent = None if highest is None else highest.generator.cpu_percent[0]
    per_s = None if highest is None else highest.traffic.sent_per_s
    receive, send = (quiet.metrics[name] for name in (WITNESS_RECEIVE, WITNESS_SEND))
    return SelfTest(
        size_bytes=bench.size_bytes,
        connections=bench.connections,
        closed_loop_per_s=round(closed.traffic.sent_per_s or 0.0),
        highest_per_s=None if per_s is None else round(per_s),
        cpu_percent=percent,
        cpu_us_per_message=None
        if not per_s or percent is None
        else round(1e4 * percent / per_s, 2),
        overhead_p50_ms=_both(receive.p50, send.p50),
        overhead_p99_ms=_both(receive.p99, send.p99),
        overhead_samples=_fewest(receive, send),
    )


def _both(receive_ms: float | None, send_ms: float | None) -> float | None:
    """Add what we add on both ways: a bound, as a message need not be slow on both."""
    return None if receive_ms is None or send_ms is None else round(receive_ms + send_ms, 3)


def _fewest(receive: Summary, send: Summary) -> int:
    return min(receive.count, send.count)
