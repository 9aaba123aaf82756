"""What the account of deliveries must say, pair by pair, from a target's record and our trace.

From the trace come only who expected what from when to when, and how many messages of a connection
came through before it ended; which messages those were, and whole or damaged, says the record of
the target. Whatever differs is told with the message and the receiver.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from tests.delivery.trace import Trace
from tests.delivery.truth import Truth
from tests.delivery.walk import Account, Membership, Rules, Sent, Walk


def judge(truth: Truth, trace: Trace, rules: Rules) -> Account:
    """Compare a trace with the truth message by message, and draw up the account."""
    account = Account(differences=list(truth.differences))
    sent = _senders(truth, trace, account)
    for user, lines in sorted(trace.users.items()):
        walk = Walk(user, truth.links.get(user, []), sent, rules, account)
        for line in lines:
            walk.step(line)
        walk.finish()
    for membership in account.memberships:
        _close(membership, sent, rules, account)
        _check_silence(membership, truth, sent, rules, account)
        _check_bounds(membership, truth, sent, account)
    _count_complete(account, sent, rules)
    return account


def _senders(truth: Truth, trace: Trace, account: Account) -> Sent:
    """Check that each stream is numbered without gap, and that the target got no other message."""
    sent: Sent = defaultdict(lambda: defaultdict(dict))
    for line in trace.sent:
        account.rooms[line.room]["sent"] += 1
        stream = sent[line.room][line.worker]
        if line.sequence in stream:
            account.differences.append(f"number {line.sequence} was sent twice: {line}")
        stream[line.sequence] = line
    for room, streams in sent.items():
        for worker, stream in streams.items():
            if sorted(stream) != list(range(1, len(stream) + 1)):
                account.differences.append(f"worker {worker} has gaps in room {room}")
    for room, count in truth.warmups.items():
        account.rooms[room]["warmup_sent"] = count
    for (room, worker, number), deed in truth.received.items():
        said = sent[room][worker].get(number)
        assert deed.token is not None
        if said is None or (str(said.user), said.planned_ns) != (deed.user, deed.token.planned_ns):
            account.differences.append(f"the target got {deed.token} of user {deed.user}: {said}")
    return sent


def _own(membership: Membership, worker: int, sent: Sent, rules: Rules) -> set[int]:
    if not rules.to_others:
        return set()
    stream = sent[membership.room][worker]
    return {number for number, line in stream.items() if line.user == membership.user}


def _close(membership: Membership, sent: Sent, rules: Rules, account: Account) -> None:
    """Book what was expected of a membership, and what of that has not come."""
    counts = account.rooms[membership.room]
    if set(membership.last) != set(membership.streams):
        account.differences.append(f"user {membership.user}: streams without end: {membership}")
        return
    for worker, stream in membership.streams.items():
        last, own = membership.last[worker], _own(membership, worker, sent, rules)
        missing = stream.missing(last, own, membership.how)
        span = range(stream.first, last + 1)
        expected = len(span) - sum(number in span for number in own)
        counts.update(missing)
        counts["expected"] += expected - missing["in_flight_at_leave"]


def _check_silence(
    membership: Membership, truth: Truth, sent: Sent, rules: Rules, account: Account
) -> None:
    """Check that the record tells of each expected pair, unless the target never had the message.

    A target that leaves a member out without a word would make us say `lost` where it says nothing.
    """
    link = membership.link
    for worker in membership.last:
        for number, line in sent[membership.room][worker].items():
            key = membership.room, worker, number
            if key in link.fates or key not in truth.received:
                continue
            if not membership.expects(worker, number, line.user, rules):
                continue
            if link.ended_ns is None or truth.received[key].instant_ns < link.ended_ns:
                account.differences.append(
                    f"user {membership.user}: nothing is recorded of {key_text(key)}"
                )


def _check_bounds(membership: Membership, truth: Truth, sent: Sent, account: Account) -> None:
    """Check by cause and effect from which number to which the user expects.

    What the target had before the confirmation reached us was sent before; what was planned
    thereafter was sent thereafter; and so for the end.
    """
    joined, ended = membership.joined_ns, membership.ended_ns
    for worker, last in membership.last.items():
        first = membership.streams[worker].first
        for number, line in sent[membership.room][worker].items():
            deed = truth.received.get((membership.room, worker, number))
            planned_ns = line.planned_ns
            wrong = (
                (planned_ns > joined[1] and number < first)
                or (planned_ns > ended[1] and number <= last)
                or (deed is not None and deed.instant_ns < joined[0] and number >= first)
                or (deed is not None and deed.instant_ns < ended[0] and number > last)
            )
            if wrong:
                account.differences.append(
                    f"user {membership.user} expects {first} to {last} of worker {worker}, joined "
                    f"at {joined}, ended at {ended}; that does not fit {line}, received: {deed}"
                )


def _count_complete(account: Account, sent: Sent, rules: Rules) -> None:
    """Count the messages that reached all who expected them when they were sent."""
    members: dict[int, list[Membership]] = defaultdict(list)
    for membership in account.memberships:
        members[membership.room].append(membership)
    for room, streams in sent.items():
        for worker, stream in streams.items():
            for number, line in stream.items():
                expecting = [
                    m.streams[worker]
                    for m in members[room]
                    if worker in m.last and m.expects(worker, number, line.user, rules)
                ]
                # Where nobody else is, all have it.
                reached = all(number in s.got for s in expecting)
                account.rooms[room]["complete"] += reached


def compare(account: Account, rooms: Iterable[Mapping[str, int]], total: Mapping[str, int]) -> None:
    """Compare reported counters, of each room in its order and in total; add what differs."""
    for place, reported in enumerate(rooms):
        _compare(account, f"room {place}", account.rooms[place], reported)
    _compare(account, "total", account.total, total)


def _compare(account: Account, where: str, true: Counter[str], reported: Mapping[str, int]) -> None:
    booked = reported["delivered"] + reported["lost"] + reported["lost_to_disconnect"]
    if reported["expected"] != booked:
        account.differences.append(f"{where}: the identity does not hold: {dict(reported)}")
    for name, value in reported.items():
        if name == "warmup_sent" and value > true[name]:
            # Not traced: what a target had no more ears for is known to the generator alone.
            continue
        if value != true[name]:
            account.differences.append(f"{where}: {name} is {true[name]}, reported {value}")


def key_text(key: tuple[int, int, int]) -> str:
    return f"message {key[2]} of worker {key[1]} in room {key[0]}"
