"""What really happened, connection by connection, read from the record of who did it."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.delivery.record import ENDS, WIRE, Deed, Peer, read_record
from tests.delivery.token import Token

FATES = ("sent", "damaged", "dropped", "unsent")
"""Exactly one of them befalls each delivery."""

Key = tuple[int, int, int]
"""Room, worker, sequence: what names a message."""


def key_of(token: Token) -> Key:
    return token.room, token.worker, token.sequence


@dataclass(frozen=True)
class Written:
    """One message as it stood on the wire."""

    instant_ns: int
    token: Token
    damaged: bool


@dataclass
class Link:
    """One connection: who it was, what was written to it, how it ended."""

    peer: Peer
    opened_ns: int
    joined_ns: int | None = None
    ended_ns: int | None = None
    end: str | None = None
    wire: list[Written] = field(default_factory=list)
    seen: list[Token] = field(default_factory=list)
    """What a proxy got from the server for it."""
    fates: dict[Key, str] = field(default_factory=dict)


@dataclass
class Truth:
    """What a target did, all in all."""

    links: dict[int, list[Link]]
    """Of each user, in the order of their opening."""
    received: dict[Key, Deed]
    faults: Counter[str]
    """How often each event is recorded."""
    warmups: Counter[int]
    """Received messages of the warm-up, by room."""
    differences: list[str]
    """Where the record contradicts itself, and so proves nothing."""


def read_truth(path: Path, proxied: Path | None = None) -> Truth:
    """Read a target's record; with a proxy in front, what the proxy did to it."""
    truth = truth_of(read_record(path))
    return truth if proxied is None else behind(truth, truth_of(read_record(proxied)))


def truth_of(deeds: Iterable[Deed]) -> Truth:
    """Put a record in order by connection."""
    truth = Truth(defaultdict(list), {}, Counter(), Counter(), [])
    links: dict[int, Link] = {}
    for deed in deeds:
        truth.faults[deed.event] += 1
        if deed.event == "opened":
            peer = Peer(deed.connection, deed.user, deed.room)
            link = links[deed.connection] = Link(peer, deed.instant_ns)
            truth.links[int(deed.user)].append(link)
        else:
            _add(truth, links[deed.connection], deed)
    return truth


def _add(truth: Truth, link: Link, deed: Deed) -> None:
    token = deed.token
    if token is None:
        if deed.event == "joined":
            link.peer = link.peer._replace(room=deed.room)
            link.joined_ns = deed.instant_ns
        elif deed.event in ENDS and link.end is None:
            link.end, link.ended_ns = deed.event, deed.instant_ns
        return
    key = key_of(token)
    if deed.event == "received" and token.sequence == 0:
        truth.warmups[token.room] += 1
    elif deed.event == "received":
        if truth.received.setdefault(key, deed) is not deed:
            truth.differences.append(f"{token} was received twice")
    elif deed.event == "seen":
        link.seen.append(token)
    elif deed.event in FATES and token.sequence and key in link.fates:
        truth.differences.append(f"{token} was delivered twice to user {deed.user}")
    if deed.event in WIRE:
        # The extra copy of a damaged message is damaged like the first.
        damaged = deed.event == "damaged"
        damaged = damaged or (deed.event == "duplicated" and link.fates.get(key) == "damaged")
        link.wire.append(Written(deed.instant_ns, token, damaged))
    if deed.event in FATES:
        link.fates[key] = deed.event


def behind(server: Truth, proxy: Truth) -> Truth:
    """Join both records: who was a member of what by the server, what was written by the proxy."""
    differences = server.differences + proxy.differences
    links: dict[int, list[Link]] = defaultdict(list)
    for user in server.links | proxy.links:
        outer_links, inner_links = proxy.links.get(user, []), list(server.links.get(user, []))
        for place, outer in enumerate(outer_links):
            inner = None
            later = outer_links[place + 1].opened_ns if place + 1 < len(outer_links) else None
            if inner_links and (later is None or inner_links[0].opened_ns < later):
                inner = inner_links.pop(0)
            if inner is None:
                # It ended before the server answered.
                links[user].append(outer)
                continue
            said = [written.token for written in inner.wire]
            if said[: len(outer.seen)] != outer.seen:
                differences.append(f"user {user}: the proxy has not seen what the server wrote")
            links[user].append(_through(inner, outer))
        if inner_links:
            differences.append(f"user {user}: the server had connections that went round the proxy")
    faults = server.faults + proxy.faults
    return Truth(links, server.received, faults, server.warmups, differences)


def _through(inner: Link, outer: Link) -> Link:
    fates = dict.fromkeys(inner.fates, "unsent") | outer.fates
    end, ended_ns = outer.end, outer.ended_ns
    if end is None:
        end, ended_ns = inner.end, inner.ended_ns
    return Link(
        inner.peer, outer.opened_ns, inner.joined_ns, ended_ns, end, outer.wire, outer.seen, fates
    )
