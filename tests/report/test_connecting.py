from surgewire.report.text import format_report
from surgewire.results.surges import RETURNS, SurgeSample
from tests.results.samples import CONNECT_PLAN, interval, start, steady, tally_of

WAVES = {**CONNECT_PLAN, "connect_rate": None, "waves": "2x500/2s", "reconnect_storm_ppm": 200_000}


def test_surges_and_the_course_of_attempts() -> None:
    seconds = [
        interval(
            at_s,
            "connecting",
            counters={"attempted": begun, "established": accepted, "failed": failed},
            gauges={"peak_under_way": 500},
            facts={"failed_upgrade": failed, "syn_retransmitted": 2, "syn_sent_2_times": 2},
            metrics={"connect_time": steady(10, 20, accepted)},
            surges=surges,
        )
        for at_s, begun, accepted, failed, surges in (
            (1.0, 500, 400, 0, (SurgeSample(0, 500, 400, 0.0, 0.99),)),
            (2.0, 0, 100, 0, (SurgeSample(0, 500, 500, 0.0, 1.25),)),
            (3.0, 500, 490, 10, (SurgeSample(1, 500, 490, 2.0, 2.9),)),
            (4.0, 100, 100, 0, (SurgeSample(RETURNS, 100, 100, 3.1, 3.6),)),
        )
    ]
    text = format_report(tally_of(start(WAVES), *seconds).result())
    assert "in waves 2x500/2s, then 20 % leave and come back" in text
    lines = [line.strip() for line in text.splitlines()]
    reached = next(line for line in lines if line.startswith("Attempts"))
    assert reached.endswith("most under way 500   failed in upgrade 10")
    assert "Surges       wave 1   at 0.0 s   in 500 of 500   all in after 1.250 s" in lines
    assert "wave 2   at 2.0 s   in 490 of 500   the last of them after 0.900 s" in lines
    assert "return   at 3.1 s   in 100 of 100   all in after 0.500 s" in lines
    head = next(at for at, line in enumerate(lines) if line.startswith("from s"))
    rows = [line.split() for line in lines[head + 1 : head + 5]]
    assert rows[0][:6] == ["0", "500", "500", "400", "0", "100"]
    assert rows[2][:6] == ["2", "500", "500", "490", "10", "0"]
    assert "8 connections had no answer to their SYN" in text
    assert "(8 sent it 2 times)" in " ".join(text.split())


def test_a_long_course_is_shown_at_some_instants() -> None:
    plan = {**CONNECT_PLAN, "connections": 60_000}
    seconds = [
        interval(
            float(at_s),
            "connecting",
            counters={"attempted": 500, "established": 500},
            metrics={"connect_time": steady(1, 2, 500)},
        )
        for at_s in range(1, 61)
    ]
    text = format_report(tally_of(start(plan), *seconds).result())
    assert "48 more in JSON" in text
    shown = [line.split()[0] for line in text.splitlines() if " 500 " in line and line[0] == " "]
    assert shown[0] == "0"
    assert shown[-1] == "59"


def test_a_short_run_has_no_course() -> None:
    second = interval(1.0, "connecting", counters={"attempted": 5, "established": 5})
    assert "backlog" not in format_report(tally_of(start(CONNECT_PLAN), second).result())
