"""The report of a chat run, as text."""

from typing import Any

import pytest

from surgewire.report.text import format_report
from surgewire.results.record import EndRecord, Record, RoomsRecord
from tests.results.chat_samples import (
    back,
    chat_run,
    chat_start,
    moment,
    restart_run,
    rooms,
    target,
)
from tests.results.samples import S, interval, phase, start, tally_of

ALL_WELL = """\
surgewire chat  ws://127.0.0.1:8765/ws?room={{room}}&user={{user}}   2026-01-31 12:00:00 UTC
1,000 connections in 10 rooms, 0.2/s each, for 10s, ramp 1s

Connections  requested 1,000   attempted 1,000   established 1,000   failed 0   peak open 1,000
             rate 1,000/s
Messages     planned 2,000   sent 2,000   rate 200/s   sending time 10.0 s   deliveries 20,000/s
             expected 200,000 = delivered 200,000 + lost 0 + lost to disconnect 0
             (holds in all 10 rooms)
             delivery rate 100 %   reached all 100 %   duplicated 0   reordered 0   late 0
             foreign 0   damaged 0
Disconnects  none
Errors       none

Times, ms        count      p50      p90      p95      p99    p99.9      max
connect          1,000    1.499    2.300    2.400    2.480        –    2.500
  tcp            1,000    0.300    0.460    0.480    0.496        –    0.500
  upgrade        1,000    1.200    1.840    1.920    1.985        –    2.000
latency        200,000    0.700    1.101    1.151    1.191    1.199    1.200
  service      200,000    0.600    1.000    1.051    1.091    1.100    1.100
  send lag       2,000    0.055    0.091    0.096    0.099        –    0.100
to the first     2,000    0.300    0.380    0.390    0.398        –    0.400
to the median    2,000    0.599    0.760    0.780    0.796        –    0.800
to the last      2,000    0.999    1.160    1.181    1.196        –    1.200
– the sample is too small; values needed: p99.9 10,000

Generator    workers 2   CPU of a core each 40 % 35 %   CPU time 8.3 s
             loop lag p99 0.198 max 0.200 ms   memory 38.1 MB
Doubts       none
Verdict      PASS  every connection was established and held, and every message arrived in time
"""

SOAK = """\
Joins        joined 1,000   failed 0   listening at the end 1,000
Messages     planned 60,000   sent 60,000   rate 200/s   sending time 299.5 s   deliveries 20,032/s
             expected 6,000,000 = delivered 5,999,688 + lost 12 + lost to disconnect 300
             (holds in all 10 rooms)
             delivery rate 99.9948 %   reached all 99.9833 %   duplicated 0   reordered 0   late 0
             foreign 0   damaged 0
Rooms        most lost   room 3 312 of 600,000
Disconnects  close_1001 900 (100–101 s)   eof 100 (100–101 s)
Errors       tcp_refused 500
Reconnects   cut off 1,000   tries to come back 1,500   failed 500   joined again 1,000
Episodes     100.0 s   cut off 1,000 of 1,000   half back after 3.0 s   90 % 5.0 s   all 7.0 s
             messages lost 312
Pings        sent 15,000   answered 15,000   timeouts 0
"""

DRIFT = """\
Target       process 77   CPU 50 % of a core   memory at most 205 MB   at the end 205 MB
Drift        p99 grew by 1.19 ms per minute; delivery steady; joined users steady;
             target memory grew by 2.86 MB per minute
"""

VERDICT = """\
Verdict      FAIL  1,000 connections ended before their time
                   500 of 1,500 attempts to come back failed
                   of 6,000,000 deliveries: 12 lost, 300 lost to disconnect
"""


def report_of(records: list[Record], width: int = 100) -> str:
    return format_report(tally_of(*records).result(), width=width)


def test_a_run_in_which_all_goes_well() -> None:
    assert report_of(chat_run()) == ALL_WELL


@pytest.mark.parametrize("part", [SOAK, DRIFT, VERDICT])
def test_a_soak_with_a_restart_and_a_leak(part: str) -> None:
    assert part in report_of(restart_run())


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("records", [chat_run(), restart_run()], ids=["well", "restart"])
def test_reports_keep_to_their_width(records: list[Record], width: int) -> None:
    assert max(map(len, report_of(records, width).splitlines())) <= width


def test_a_plain_run_fits_one_screen() -> None:
    assert len(report_of(chat_run(), 80).splitlines()) <= 40


def test_the_token_in_a_join_message_is_told_to_nobody() -> None:
    result = tally_of(*restart_run()).result()
    assert result.run.plan["join"] == "***"
    assert "s3cret" not in report_of(restart_run())


def test_rooms_in_which_the_identity_does_not_hold_are_named() -> None:
    records = chat_run()
    totals = [[200, 20_000, 20_000]] * 10
    totals[3] = totals[7] = [200, 20_000, 19_999]
    records[-2] = rooms(totals)
    report = report_of(records)
    assert "(does not hold in 2 of 10 rooms: 3, 7)" in report
    assert (
        "! ledger_unbalanced: in 2 of 10 rooms expected messages are booked neither as delivered"
        in report
    )


def test_of_a_run_that_was_killed_the_rooms_are_those_of_an_earlier_moment() -> None:
    records = [record for record in chat_run(end=None) if not isinstance(record, RoomsRecord)]
    report = report_of([*records, rooms([[190, 19_000, 19_000]] * 10, 10.5)])
    assert "(holds in all 10 rooms at 10.5 s)" in report


def test_rare_parts_appear_only_where_there_is_something_to_say() -> None:
    report = report_of(chat_run())
    for word in ("Joins", "Rooms", "Reconnects", "Episodes", "Pings", "Drift", "before join"):
        assert word not in report


def test_users_that_are_missing_at_the_end_are_told() -> None:
    records = [
        chat_start(),
        moment(1.0, phase="connecting", counters={"joined": 1_000}),
        moment(2.0, 990, counters={"before_join": 4}),
    ]
    report = report_of(records)
    assert "Joins        joined 1,000   failed 0   listening at the end 990" in report
    assert "before join 4" in report


def test_users_that_leave_on_purpose() -> None:
    records = [chat_start(), moment(1.0, counters={"left": 60, **back(55, 55)})]
    assert "cut off 0   left on purpose 60   tries to come back 55   failed 0" in report_of(records)


def test_an_episode_that_did_not_end_well() -> None:
    records = [
        chat_start(),
        moment(1.0),
        moment(2.0, 0, closed={"tcp_reset": 1_000}),
        moment(3.0, 600, counters=back(600, 900)),
    ]
    told = "1.0 s   cut off 1,000 of 1,000   half back after 2.0 s   90 % –   all –"
    assert told in report_of(records)
    assert "there at its end 600" in report_of(records)
    none_back = report_of(records[:-1])
    assert "cut off 1,000 of 1,000   there at its end 0   messages lost 0" in none_back


def test_only_the_first_episodes_are_shown() -> None:
    seconds: list[dict[str, Any]] = [{"joined": 0, "closed": {"eof": 1_000}}, *[{}] * 6]
    records: list[Record] = [chat_start(reconnect_max_ns=S), moment(1.0)]
    records += [moment(2.0 + at, **values) for at, values in enumerate(seconds * 8)]
    assert "and 3 more" in report_of(records)


def test_what_was_asked_for() -> None:
    asked = {
        "senders_ppm": 100_000,
        "size": "64..4k",
        "churn_ppm": 50_000,
        "churn_per_ns": 60 * S,
        "ping_ns": 20 * S,
        "rooms": 1,
    }
    lines = report_of([chat_start(**asked)]).splitlines()[1:3]
    assert " ".join(lines) == (
        "1,000 connections in 1 room, 0.2/s each, 10 % of them speak, 64..4k bytes, for 10s,"
        " ramp 1s, churn 5 % in 1m, ping every 20s"
    )


def test_joins_that_are_not_confirmed_are_noted() -> None:
    report = report_of([chat_start(join='{"join":1}'), EndRecord(1.0, "finished")])
    assert "Notes        no --joined was given" in report


def test_an_echo_run_tells_of_drift_and_pings_too() -> None:
    counters = {"pings": 9, "pongs": 8, "expected": 10, "delivered": 10}
    records: list[Record] = [start(), phase(0.0, "sending")]
    records += [
        interval(1.0 + at, counters=counters, gauges={"open": 10}, target=target(10**8))
        for at in range(150)
    ]
    report = report_of(records)
    assert "Pings        sent 1,350   answered 1,200   timeouts 0" in report
    assert (
        "Drift        p99: too few messages to tell; delivery steady; open connections steady;\n"
        "             target memory steady\n"
    ) in report
