"""Remarks for the reader of a result that put no figure in doubt."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from surgewire.results.metrics import (
    MESSAGE_LATENCY,
    SERVICE_TIME,
    WITNESS_RECEIVE,
    WITNESS_SEND,
)
from surgewire.results.timeline import MAX_EVENTS

if TYPE_CHECKING:
    from surgewire.results.tally import Tally

OVERHEAD_SHARE = 0.5
"""When half of the time measured is ours, the reader should know before comparing targets."""
MIN_WITNESSES = 100
"""Fewer stamps than this do not carry a median to speak of."""


@dataclass(frozen=True, slots=True)
class Note:
    """A remark for the reader that puts no figure in doubt."""

    code: str
    message: str


_SYN_SENT = "syn_sent_"

CLOSED_MODEL = Note(
    "closed_model",
    "closed model: each connection waits for its answer before it sends again, so a stall of the"
    " target holds the sending back, and these percentiles hide it",
)
STAMPS_MISSING = Note(
    "kernel_stamps_missing",
    "no kernel stamps: what the generator itself adds to the latencies is not bounded",
)
JOIN_UNCONFIRMED = Note(
    "join_unconfirmed",
    "no --joined was given: each user counts as joined one second after it asked, whether or not"
    " the target had admitted it by then",
)
DEFLATE_DECLINED = Note(
    "deflate_declined",
    "the target declined compression on every connection: all messages went uncompressed",
)


INSECURE = Note(
    "insecure",
    "certificates were not checked (--insecure): whoever answered may have been another server",
)


def find_notes(tally: "Tally") -> tuple[Note, ...]:
    """Return all remarks on a run, those of the run itself last."""
    notes = [INSECURE] if tally.asked.insecure else []
    notes += [CLOSED_MODEL] if tally.asked.pingpong else []
    if tally.asked.joins and not tally.asked.confirms:
        notes.append(JOIN_UNCONFIRMED)
    if tally.facts["deflate_declined"] and not tally.facts["deflate_agreed"]:
        notes.append(DEFLATE_DECLINED)
    measured = tally.histogram(MESSAGE_LATENCY).count > 0
    if measured and tally.asked.witness > 0 and tally.histogram(WITNESS_RECEIVE).count == 0:
        notes.append(STAMPS_MISSING)
    notes += _overhead(tally)
    notes += _fanout_forgotten(tally)
    notes += _syn_retransmitted(tally)
    if left_out := tally.timeline.events_dropped:
        notes.append(
            Note(
                "events_left_out",
                f"{left_out:,} events came after the {MAX_EVENTS} that are listed: they are in the"
                " journal of the run alone",
            )
        )
    notes += [
        Note("event", str(event.detail.get("text", "")))
        for event in tally.timeline.events
        if event.kind == "note"
    ]
    return tuple(notes)


def _fanout_forgotten(tally: "Tally") -> list[Note]:
    """Find messages that reached all, but so slowly that their spread was no longer followed."""
    counters = tally.counters
    all_came = tally.finished and counters["delivered"] == counters["expected"]
    if not (tally.asked.chats and all_came) or counters["in_flight_at_leave"]:
        return []
    forgotten = counters["sent"] - counters["complete"]
    if forgotten <= 0:
        return []
    return [
        Note(
            "fanout_forgotten",
            f"{forgotten:,} messages took so long to their last receiver that they were no longer"
            " followed: they reached all, though they are not counted so, and are missing in the"
            " times to the median and to the last",
        )
    ]


def _syn_retransmitted(tally: "Tally") -> list[Note]:
    """Find connections whose first packet went unanswered: packets lost, or a full accept queue."""
    count = tally.facts["syn_retransmitted"]
    if not count:
        return []
    sent = [
        f"{n:,} sent it {name.removeprefix(_SYN_SENT).replace('_', ' ')}"
        for name, n in sorted(tally.facts.items())
        if name.startswith(_SYN_SENT)
    ]
    return [
        Note(
            "syn_retransmitted",
            f"{count:,} connections had no answer to their SYN and sent it again, after 1 s, 3 s"
            f" and so on ({', '.join(sent)}): packets were lost, or the target's accept queue was"
            " full; their connect times show these steps",
        )
    ]


def _overhead(tally: "Tally") -> list[Note]:
    """Find service times of the size of what we add ourselves, by the kernel's stamps."""
    service_ms = tally.summary(SERVICE_TIME).p50
    receive, send = tally.summary(WITNESS_RECEIVE), tally.summary(WITNESS_SEND)
    if service_ms is None or receive.p50 is None or receive.count < MIN_WITNESSES:
        return []
    overhead_ms = round(receive.p50 + (send.p50 or 0.0), 3)
    if overhead_ms <= OVERHEAD_SHARE * service_ms:
        return []
    return [
        Note(
            "overhead",
            f"of the median service time of {service_ms:,.3f} ms, {overhead_ms:,.3f} ms are ours by"
            " the kernel's stamps: the target answers faster than any client can see",
        )
    ]
