"""Going through what arrived at one user, beside what was written to its connections."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.delivery.naive import Stream
from tests.delivery.record import CUTS
from tests.delivery.trace import Line
from tests.delivery.truth import Link, Written

DELIVERED = ("delivered", "reordered")
LOSSY = ("cut_eof", "cut_reset", "cut_slow")
"""Ends at which the kernel may throw away what was written."""

Sent = dict[int, dict[int, dict[int, Line]]]
"""Counted messages by room, worker and number."""


@dataclass(frozen=True)
class Rules:
    """What of the plan the account depends on."""

    deadline_ns: int
    to_others: bool = False
    window: int | None = None


@dataclass
class Membership:
    """A user in its room, from the confirmation of its join to its end."""

    user: int
    room: int
    joined_ns: tuple[int, int]
    """Right before and right after the first numbers were taken."""
    streams: dict[int, Stream]
    link: Link
    last: dict[int, int] = field(default_factory=dict)
    ended_ns: tuple[int, int] = (0, 0)
    how: str = ""

    def expects(self, worker: int, number: int, sender: int, rules: Rules) -> bool:
        own = rules.to_others and sender == self.user
        return self.streams[worker].first <= number <= self.last[worker] and not own


@dataclass
class Account:
    """What was found."""

    rooms: dict[int, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    memberships: list[Membership] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)

    @property
    def total(self) -> Counter[str]:
        return sum(self.rooms.values(), Counter[str]())


class Walk:
    """Goes through what arrived at one user, beside what was written to its connections."""

    def __init__(
        self, user: int, links: list[Link], sent: Sent, rules: Rules, account: Account
    ) -> None:
        self.user, self.sent, self.rules, self.account = user, sent, rules, account
        self.links = list(links)
        self.link: Link | None = None
        self.place = 0
        self.open: Membership | None = None
        self.latest: Membership | None = None
        """Of the present connection."""

    def say(self, text: str) -> None:
        self.account.differences.append(f"user {self.user}: {text}")

    def step(self, line: Line) -> None:
        # It opens a connection when the one before has ended for it.
        while self.links and self.links[0].opened_ns <= line.instant_ns:
            self.next_link()
        if line.event == "joined":
            self.join(line)
        elif line.event == "ended":
            self.end(line)
        elif line.event == "unmarked":
            self.account.rooms[line.room]["unmarked"] += 1
        else:
            self.arrive(line)

    def next_link(self) -> None:
        self.finish()
        self.link, self.place, self.latest = self.links.pop(0), 0, None

    def join(self, line: Line) -> None:
        if self.link is None:
            self.say(f"joined without a connection: {line}")
            return
        if self.open is None or line.worker in self.open.streams:
            self.open = self.latest = Membership(
                self.user, line.room, (line.instant_ns, line.planned_ns), {}, self.link
            )
            self.account.memberships.append(self.open)
        if self.link.joined_ns is None or self.link.joined_ns > line.instant_ns:
            self.say(f"joined before the target took it in: {line}")
        if self.link.peer.room != str(line.room):
            self.say(f"the target took it into room {self.link.peer.room}: {line}")
        self.open.streams[line.worker] = Stream(line.sequence, self.rules.window)

    def end(self, line: Line) -> None:
        membership = self.latest
        if membership is None or line.worker in membership.last:
            self.say(f"ended without having joined: {line}")
            return
        self.open = None
        membership.last[line.worker] = line.sequence
        membership.how = line.detail
        membership.ended_ns = (line.instant_ns, line.planned_ns)

    def arrive(self, line: Line) -> None:
        if self.link is None or self.place >= len(self.link.wire):
            self.say(f"never written: {line}")
            return
        written = self.link.wire[self.place]
        self.place += 1
        said = line.worker, line.sequence
        if not written.damaged and said != (written.token.worker, written.token.sequence):
            self.say(f"{written.token} was written, but what came is {line}")
        if line.instant_ns < written.instant_ns:
            self.say(f"{written.token} came before it was written: {line}")
        event = self.event_of(written)
        late = line.instant_ns - written.token.planned_ns > self.rules.deadline_ns
        late = late and event in DELIVERED
        # Of what is no delivery nobody counts whether it came late.
        claim = line.event, line.detail == "late" and event in DELIVERED
        if claim != (event, late):
            self.say(f"{written.token} must be {event}{', late' * late}, not {line}")
        self.book(line.room, event, late)

    def event_of(self, written: Written) -> str:
        """Tell what this arrival is to this user."""
        token = written.token
        if self.open is None and self.latest is not None:
            return "after_end"
        if written.damaged:
            return "damaged"
        if token.sequence == 0:
            return "warmup"
        if self.open is None:
            return "before_join"
        if token.room != self.open.room:
            return "misrouted"
        message = self.sent[token.room][token.worker].get(token.sequence)
        if message is None or (self.rules.to_others and message.user == self.user):
            return "misrouted"
        return self.open.streams[token.worker].arrive(token.sequence)

    def book(self, room: int, event: str, late: bool) -> None:
        counts = self.account.rooms[room]
        names = {"reordered": ("delivered", "reordered"), "warmup": ("warmup_delivered",)}
        for name in names.get(event, (event,)):
            counts[name] += 1
        counts["late"] += late

    def finish(self) -> None:
        """Check that what did not come may have been thrown away, or came too late for us."""
        if self.link is None:
            return
        for written in self.link.wire[self.place :]:
            if self.link.end in LOSSY or self.latest is None or self.latest.how == "left":
                continue
            if self.latest.how == "drained" and written.instant_ns > self.latest.ended_ns[0]:
                continue
            self.say(f"{written.token} was written, did not come, and no cut explains it")
        if self.latest is not None and not self.latest.how:
            self.say(f"its membership of room {self.latest.room} has no end")
        if self.latest is not None and self.latest.how == "cut_off" and self.link.end not in CUTS:
            self.say(f"cut off, but by the target its connection ended by {self.link.end}")
