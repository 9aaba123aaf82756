"""Puts a result together from a tally. Pure: the same tally gives the same result."""

from typing import TYPE_CHECKING

from surgewire.results.attempts import Attempts
from surgewire.results.awkward import Awkward
from surgewire.results.doubts import find_doubts
from surgewire.results.doubts_load import late_may_be_ours
from surgewire.results.metrics import LOOP_LAG, METRICS
from surgewire.results.notes import find_notes
from surgewire.results.presence import Joins, Pings, Reconnects, Users
from surgewire.results.result import (
    Connections,
    Delivery,
    Generator,
    Result,
    RunInfo,
    TargetInfo,
    Traffic,
)
from surgewire.results.surges import not_back, surges_of
from surgewire.results.threshold import standard_thresholds
from surgewire.results.verdict import Ending, judge

if TYPE_CHECKING:
    from surgewire.results.tally import Tally

_DECIMALS = 3


def build_result(tally: "Tally") -> Result:
    """Make the result of all records that the tally has taken in."""
    asked, timeline = tally.asked, tally.timeline
    connections, delivery = _connections(tally), _delivery(tally)
    joins = Joins.of(tally.counters, tally.joined_now) if asked.chats else None
    surges = surges_of(tally.surges, asked)
    reconnects = Reconnects.of(tally.counters, not_back(surges))
    missing = reconnects.missing if asked.storms else None
    users = None if joins is None else Users(joins, reconnects)
    doubts = find_doubts(tally)
    ending = Ending(
        reason=timeline.end.reason if timeline.end else None,
        at_s=timeline.at_s,
        signal=timeline.stop_signal,
        rule=timeline.abort_rule,
        running=tally.running,
    )
    duration_s = round(timeline.length_s(asked.measured_phase), _DECIMALS)
    return Result(
        run=_run(tally),
        target=TargetInfo(asked.url, asked.host, asked.port, tally.target_usage.process()),
        started_at=tally.start.started_at if tally.start else "",
        duration_s=duration_s,
        connections=connections,
        delivery=delivery,
        traffic=_traffic(tally, duration_s),
        metrics={name: tally.summary(name) for name in METRICS if name != LOOP_LAG},
        rooms=tally.rooms(),
        joins=joins,
        awkward=Awkward.of(tally.counters, tally.facts),
        reconnects=reconnects,
        disconnects=tally.disconnects.disconnects(),
        episodes=tally.episodes.episodes(),
        pings=Pings.of(tally.counters, tally.closed),
        attempts=_attempts(tally, connections),
        surges=surges,
        facts=_sorted(tally.facts),
        drift=tally.drift.drift(),
        generator=_generator(tally),
        events=tuple(timeline.events),
        doubts=doubts,
        notes=find_notes(tally),
        thresholds=standard_thresholds(
            connections, delivery, sends=asked.sends, users=users, missing=missing
        ),
        verdict=judge(
            ending,
            connections,
            delivery,
            doubts,
            sends=asked.sends,
            users=users,
            missing=missing,
            stood_still=late_may_be_ours(tally),
        ),
    )


def _run(tally: "Tally") -> RunInfo:
    start, asked = tally.start, tally.asked
    return RunInfo(
        id=start.run_id if start else "",
        kind=asked.kind,
        plan=asked.plan,
        version=start.version if start else "",
        machine=start.machine if start else {},
    )


def _connections(tally: "Tally") -> Connections:
    counters = tally.counters
    return Connections(
        requested=tally.asked.connections,
        attempted=counters["attempted"] - counters["retried"],
        established=_established(tally),
        failed=counters["failed"] - counters["retries_failed"] - counters["awkward_failed"],
        peak_open=tally.peak_open,
        per_s=_connected_per_s(tally),
        errors=_sorted(tally.errors),
        closed=_sorted(tally.closed),
    )


def _attempts(tally: "Tally", connections: Connections) -> Attempts | None:
    if tally.asked.kind != "connect":
        return None
    return tally.attempts.attempts(tally.asked, tally.facts, connections.per_s)


def _established(tally: "Tally") -> int:
    """Count first attempts that succeeded, without those of users who came back."""
    counters = tally.counters
    retried, retries_failed = counters["retried"], counters["retries_failed"]
    if retried and tally.timeline.all_have_outcomes:
        return counters["attempted"] - retried - (counters["failed"] - retries_failed)
    # While first attempts are under way, users that are just coming back are still taken off.
    return counters["established"] - (retried - retries_failed)


def _connected_per_s(tally: "Tally") -> float | None:
    timeline = tally.timeline
    if tally.established_at_s is None:
        return None
    began_s = timeline.started_s.get("connecting", 0.0)
    # Up to the last success: one attempt that runs into its timeout says nothing about the rate.
    # Until all have an outcome, the end of an interval stands in for the exact instant.
    spent_s = (timeline.last_established_s or tally.established_at_s) - began_s
    return round(_established(tally) / spent_s, _DECIMALS) if spent_s > 0 else None


def _delivery(tally: "Tally") -> Delivery:
    counters = tally.counters
    expected, delivered = counters["expected"], counters["delivered"]
    return Delivery(
        planned=counters["planned"],
        skipped=counters["skipped"],
        sent=counters["sent"],
        expected=expected,
        delivered=delivered,
        lost=counters["lost"],
        lost_to_disconnect=counters["lost_to_disconnect"],
        in_flight_at_leave=counters["in_flight_at_leave"],
        undecided=tally.undecided,
        duplicated=counters["duplicated"],
        reordered=counters["reordered"],
        late=counters["late"],
        foreign=counters["foreign"],
        damaged=counters["damaged"],
        unmarked=counters["unmarked"],
        misrouted=counters["misrouted"],
        too_old=counters["too_old"],
        before_join=counters["before_join"],
        complete=counters["complete"],
        warmup_sent=counters["warmup_sent"],
        warmup_delivered=counters["warmup_delivered"],
        rate=delivered / expected if expected > 0 else None,
        completeness=(
            counters["complete"] / counters["sent"]
            if tally.asked.chats and counters["sent"] > 0
            else None
        ),
    )


def _traffic(tally: "Tally", duration_s: float) -> Traffic:
    sent = tally.counters["sent"]
    per_s = round(sent / duration_s, _DECIMALS) if tally.asked.sends and duration_s > 0 else None
    return Traffic(
        bytes_in=tally.counters["bytes_in"],
        bytes_out=tally.counters["bytes_out"],
        frames_in=tally.counters["frames_in"],
        payload_bytes_in=tally.counters["payload_bytes_in"],
        payload_bytes_out=tally.counters["payload_bytes_out"],
        sent_per_s=per_s,
    )


def _generator(tally: "Tally") -> Generator:
    usage = tally.usage
    workers = usage.in_order
    return Generator(
        processes=len(workers),
        cpu_percent=tuple(round(worker.cpu_percent, 1) for worker in workers),
        cpu_seconds=tuple(round(worker.cpu_s, _DECIMALS) for worker in workers),
        rss_bytes=usage.rss_peak_bytes,
        pss_bytes=usage.pss_peak_bytes,
        loop_lag=tally.summary(LOOP_LAG),
        memory_per_connection_bytes=usage.memory_per_connection_bytes,
    )


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    """Order kinds by count, the most frequent first; by name where they are equal."""
    items = [(kind, count) for kind, count in counts.items() if count]
    return dict(sorted(items, key=lambda item: (-item[1], item[0])))
