import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from surgewire._core import frame, marker
from surgewire._core.clock import now_ns
from surgewire._core.echo_traffic import EchoTraffic, EchoUser
from surgewire._core.histogram import HISTOGRAM_WORDS
from surgewire._core.ledger import COUNTERS as LEDGER_COUNTERS
from surgewire._core.ledger import Ledger
from surgewire._core.pacer import Schedule
from surgewire._core.template import Template
from surgewire._core.traffic import COUNTERS
from tests.core.rig import BUFFER, DEADLINE_NS, FIRST_USER, RUN, SECOND_NS, WORKER, Passed, Rig
from tests.core.wire import feed

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig() -> Iterator[MakeRig]:
    loop = asyncio.new_event_loop()
    rigs = []

    def make(*args: object, **options: object) -> Rig:
        rigs.append(Rig(loop, *args, **options))  # type: ignore[arg-type]
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.close()
    loop.close()


def one_per_second(users: int) -> Schedule:
    """The users share one aggregate stream, so user i is number i of it."""
    return Schedule.constant(FIRST_USER + users, 1, SECOND_NS)


def sound(rig: Rig, sequence: int, planned_ns: int, **changes: int) -> bytes:
    fields = {
        "run": RUN,
        "room": FIRST_USER,
        "worker": WORKER,
        "sequence": sequence,
        "planned_ns": planned_ns,
        "send_lag_ns": 0,
    }
    return marker.encode(**(fields | changes))


def test_sends_what_is_due_and_says_so_in_the_marker(make_rig: MakeRig) -> None:
    rig = make_rig(2, one_per_second(2), before=b'{"text":"', after=b'"}')
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    for index in range(2):
        messages = rig.payloads(index)
        assert all(m.startswith(b'{"text":"SWX1') and m.endswith(b'"}') for m in messages)
        found = [marker.find_all(m)[0][1] for m in messages]
        user = FIRST_USER + index
        offset_ns = user * SECOND_NS // (FIRST_USER + 2)
        assert [
            (m.run, m.room, m.worker, m.sequence, m.planned_ns) for m in found if m is not None
        ] == [(RUN, user, WORKER, j + 1, start_ns + offset_ns + j * SECOND_NS) for j in range(3)]
        lag = [m.send_lag_ns for m in found if m is not None]
        assert lag[0] > lag[1] > lag[2] > 0
        assert rig.users[index].sequence == 3
    assert rig.booked() == {"sent": 6, "expected": 6}
    assert rig.counted("planned") == 6
    assert rig.histogram("send_lag").count == 6


def test_nothing_is_sent_before_its_instant_or_after_the_end(make_rig: MakeRig) -> None:
    rig = make_rig(1, Schedule.constant(FIRST_USER + 1, 1, SECOND_NS))
    start_ns = now_ns() + 3600 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    assert rig.payloads(0) == []
    late = make_rig(1, Schedule.constant(FIRST_USER + 1, 1, SECOND_NS))
    start_ns = now_ns() - 100 * SECOND_NS
    late.traffic.start(start_ns, start_ns, start_ns + 10 * SECOND_NS)
    late.wake()
    late.wake()
    assert [m.sequence for m in late.markers(0)] == list(range(1, 11))


def test_stop_ends_sending(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    assert rig.traffic.behind
    rig.traffic.stop()
    assert not rig.traffic.behind
    rig.wake()
    assert rig.payloads(0) == []


def test_what_was_due_at_the_stop_and_not_sent_is_skipped(make_rig: MakeRig) -> None:
    rig = make_rig(2, one_per_second(2))
    start_ns = now_ns() - 10 * SECOND_NS
    rig.traffic.start(start_ns, start_ns + 2 * SECOND_NS, start_ns + 5 * SECOND_NS)
    rig.transports[1].shut()
    rig.users[1].connection_lost(None)
    rig.traffic.stop()
    # Of the open user: seconds three to five; the two before are warm-up.
    assert rig.counted("planned") == rig.counted("skipped") == 3
    rig.traffic.stop()
    rig.traffic.finish(drained=True)
    assert rig.counted("planned") == 3
    assert rig.booked() == {}


def test_what_is_planned_for_later_is_no_backlog(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    assert not rig.traffic.behind
    rig.traffic.stop()
    assert rig.counted("skipped") == 0


def test_more_due_than_one_call_holds_is_all_sent_in_order(make_rig: MakeRig) -> None:
    rig = make_rig(1, Schedule.constant(FIRST_USER + 1, 100, SECOND_NS))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 2 * SECOND_NS)
    rig.wake()
    assert [m.sequence for m in rig.markers(0)] == list(range(1, 201))


def one_round(loop: asyncio.AbstractEventLoop) -> None:
    loop.call_soon(loop.stop)
    loop.run_forever()


def test_between_turns_of_sending_the_loop_may_read(make_rig: MakeRig) -> None:
    rig = make_rig(20, one_per_second(20))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    assert [user.sequence for user in rig.users] == [1] * 8 + [0] * 12
    one_round(rig.loop)
    one_round(rig.loop)
    assert [user.sequence for user in rig.users] == [1] * 20


def test_the_end_may_come_between_turns_of_sending(make_rig: MakeRig) -> None:
    rig = make_rig(20, one_per_second(20))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    rig.traffic.finish(drained=False)
    rig.traffic.close()
    one_round(rig.loop)
    assert rig.booked()["sent"] == 8


def test_delivery_is_booked_with_latency_and_service_time(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 1_500_000_000
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    (message,) = rig.payloads(0)
    (sent,) = (m for _, m in marker.find_all(message) if m)
    before_ns = now_ns()
    rig.answer(0, b"<p>" + message + b"</p>")
    after_ns = now_ns()
    assert rig.booked() == {"sent": 1, "expected": 1, "delivered": 1}
    latency = rig.histogram("message_latency")
    assert before_ns - sent.planned_ns <= latency.min <= after_ns - sent.planned_ns
    assert rig.histogram("service_time").min == latency.min - sent.send_lag_ns
    assert rig.traffic.outstanding == 0


def test_what_is_no_delivery_is_named(make_rig: MakeRig) -> None:
    rig = make_rig(1, Schedule.constant(FIRST_USER + 1, 10, SECOND_NS))
    start_ns = now_ns() - SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3 * SECOND_NS // 10)
    rig.wake()
    first, second, third = rig.payloads(0)
    rig.answer(0, second)
    rig.answer(0, first)
    rig.answer(0, first)
    rig.answer(0, b"welcome to the server")
    rig.answer(0, sound(rig, 1, 1, run=RUN + 1))
    rig.answer(0, sound(rig, 1, 1, room=FIRST_USER + 1))
    rig.answer(0, third.replace(third[10:11], b"0" if third[10:11] != b"0" else b"1", 1))
    assert rig.booked() == {
        "sent": 3,
        "expected": 3,
        "delivered": 2,
        "reordered": 1,
        "duplicated": 1,
        "unmarked": 1,
        "foreign": 1,
        "misrouted": 1,
        "damaged": 1,
    }
    rig.traffic.finish(drained=True)
    assert rig.booked()["lost"] == 1


def test_several_messages_in_one_frame_all_count_but_a_repetition_does_not(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 2 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    first, second = rig.payloads(0)
    rig.answer(0, b"\n".join([first, first, second]))
    assert rig.booked() == {"sent": 2, "expected": 2, "delivered": 2}


def test_late_is_delivered_and_late(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - DEADLINE_NS - SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS)
    rig.wake()
    rig.answer(0, *rig.payloads(0))
    assert rig.booked() == {"sent": 1, "expected": 1, "delivered": 1, "late": 1}


def test_warm_up_enters_neither_ledger_nor_histograms(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 4 * SECOND_NS
    rig.traffic.start(start_ns, start_ns + 2 * SECOND_NS, start_ns + 4 * SECOND_NS)
    rig.wake()
    messages = rig.payloads(0)
    assert [m.sequence for p in messages for _, m in marker.find_all(p) if m] == [0, 0, 1, 2]
    assert rig.counted("planned") == 2
    rig.answer(0, *messages)
    assert rig.booked() == {
        "sent": 2,
        "expected": 2,
        "delivered": 2,
        "warmup_sent": 2,
        "warmup_delivered": 2,
    }
    assert rig.histogram("message_latency").count == rig.histogram("send_lag").count == 2


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("cut_off", {"lost": 1, "lost_to_disconnect": 1, "expected": 3}),
        ("drained", {"lost": 2, "expected": 3}),
        ("left", {"lost": 1, "in_flight_at_leave": 1, "expected": 2}),
    ],
)
def test_what_is_missing_at_the_end_depends_on_the_end(
    make_rig: MakeRig, end: str, expected: dict[str, int]
) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    rig.answer(0, rig.payloads(0)[1])
    if end == "cut_off":
        rig.traffic.cut_off(rig.users[0])
    rig.traffic.finish(drained=end == "drained")
    assert rig.booked() == {"sent": 3, "delivered": 1} | expected
    assert rig.traffic.outstanding == 0


def test_closed_connection_sends_nothing_more(make_rig: MakeRig) -> None:
    rig = make_rig(2, one_per_second(2))
    feed(rig.users[0], b"\x88\x02\x03\xe9")
    start_ns = now_ns() - SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    feed(rig.users[1], b"\x88\x02\x03\xe9")
    rig.traffic.cut_off(rig.users[1])
    rig.wake()
    assert rig.booked() == {}


def test_broken_connection_fails_its_sends(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.transports[0].peer.close()
    rig.wake()
    assert rig.booked() == {}
    assert rig.counted("planned") == rig.counted("skipped") == 3
    assert rig.owner.told[-1] == ("closed", "tcp_reset")
    assert rig.transports[0].calls == ["abort"]


def test_planned_messages_are_skipped_when_the_target_takes_no_more(make_rig: MakeRig) -> None:
    rig = make_rig(1, Schedule.constant(FIRST_USER + 1, 1000, SECOND_NS), after=b"x" * 2000)
    rig.transports[0].ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    start_ns = now_ns() - SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.transports[0].waiting = 2_000_000
    rig.wake()
    assert rig.counted("skipped") > 0
    assert rig.counted("planned") == rig.counted("skipped") + rig.booked()["sent"]
    assert rig.booked()["sent"] == rig.booked()["expected"] == rig.users[0].sequence


def test_closed_model_keeps_one_message_in_flight(make_rig: MakeRig) -> None:
    rig = make_rig(2, None)
    start_ns = now_ns()
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.answer(0, b"hello, I am the server")
    assert rig.payloads(0) == []
    rig.wake()
    (first,) = rig.payloads(0)
    rig.wake()
    assert rig.payloads(0) == []
    rig.answer(0, b"still here")
    assert rig.payloads(0) == []
    rig.answer(0, first)
    assert [m.sequence for m in rig.markers(0)] == [2]
    rig.answer(0, first)
    assert rig.payloads(0) == []
    assert rig.booked()["duplicated"] == 1


def test_closed_model_ends(make_rig: MakeRig) -> None:
    rig = make_rig(1, None)
    start_ns = now_ns()
    rig.traffic.start(start_ns, start_ns, start_ns + SECOND_NS // 2)
    rig.wake()
    while messages := rig.payloads(0):
        rig.answer(0, *messages)
    assert now_ns() >= start_ns + SECOND_NS // 2
    assert rig.traffic.outstanding == 0
    assert rig.booked()["delivered"] == rig.booked()["sent"] > 1


def test_every_missed_beat_of_the_loop_counts(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1))
    time.sleep(0.1)
    rig.wake()
    lag = rig.histogram("loop_lag")
    assert lag.count >= 9
    assert lag.max >= 80_000_000


@pytest.mark.parametrize(
    ("counters", "words", "told"),
    [
        (3, HISTOGRAM_WORDS, "counters, not 3"),
        (len(COUNTERS), 7, "words, not 7"),
        (len(COUNTERS), 0, "no histogram for message_latency"),
    ],
)
def test_wrong_memory_is_refused(counters: int, words: int, told: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        with pytest.raises(ValueError, match=told):
            EchoTraffic(
                loop,
                Ledger(1, 64, np.zeros(len(LEDGER_COUNTERS), np.uint64)),
                None,
                np.zeros(counters, np.uint64),
                {"message_latency": np.zeros(words, np.int64)} if words else {},
                run=1,
                worker=0,
                template=Template((("marker",),)),
                deadline_ns=1,
            )
    finally:
        loop.close()


def test_text_frame_is_what_leaves(make_rig: MakeRig) -> None:
    rig = make_rig(1, one_per_second(1), after=b"y" * 12)
    start_ns = now_ns() - SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    raw = rig.transports[0].sent()
    assert raw[0] == 0x80 | frame.TEXT
    assert raw[1] == 0x80 | 64
    assert rig.counted("bytes_out") == len(raw) + len(b"ask?") == 70 + 4


def test_a_connection_takes_the_place_of_one_that_came_to_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(2, one_per_second(2))

    def make(index: int) -> EchoUser:
        return EchoUser(BUFFER, rig.owner, Passed(), rig.traffic, FIRST_USER + index, index=index)

    with pytest.raises(ValueError, match="place 1 cannot be taken now"):
        make(1)
    with pytest.raises(ValueError, match="more users than the ledger has windows"):
        make(2)
    rig.users[1].abort()
    again = make(1)
    again.connection_made(rig.transports[1])
    feed(again, b"okay")
    assert again.is_open
    start_ns = now_ns() - 3 * SECOND_NS
    rig.traffic.start(start_ns, start_ns, start_ns + 3600 * SECOND_NS)
    rig.wake()
    assert again.sequence == rig.users[0].sequence == 3
