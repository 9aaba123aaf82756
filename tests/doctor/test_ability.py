import pytest

from surgewire.doctor.ability import SelfTest, check_ability, not_tested
from tests.doctor.trees import demand


def figures(**changes):
    values = {
        "size_bytes": 64,
        "connections": 600,
        "closed_loop_per_s": 200_000.0,
        "highest_per_s": 100_000.0,
        "cpu_percent": 40.0,
        "cpu_us_per_message": 4.0,
        "overhead_p50_ms": 0.01,
        "overhead_p99_ms": 0.05,
        "overhead_samples": 1_200,
    }
    return SelfTest(**(values | changes))


@pytest.mark.parametrize(
    ("asked", "measured", "status"),
    [
        ({}, {}, "ok"),
        ({"sent_per_s": 100_000.0, "heard_per_s": 100_000.0}, {}, "ok"),
        ({"sent_per_s": 100_100.0, "heard_per_s": 100_100.0}, {}, "warn"),
        ({"sent_per_s": 401_000.0, "heard_per_s": 401_000.0}, {}, "fail"),
        ({"sent_per_s": 1_000.0, "heard_per_s": 900_000.0}, {}, "fail"),
        ({}, {"highest_per_s": None, "cpu_percent": None, "cpu_us_per_message": None}, "warn"),
        # Eight workers on two cores are two.
        ({"processes": 8, "sent_per_s": 3e5, "heard_per_s": 3e5}, {}, "warn"),
    ],
)
def test_a_rate_is_held_against_what_one_worker_held(asked, measured, status):
    rate, _ = check_ability(demand(**asked), figures(**measured), 2)
    assert rate.name == "message_rate"
    assert rate.status == status
    assert "went through as fast as answers came" in rate.found


def test_figures_are_said_with_what_they_were_measured_with():
    rate, overhead = check_ability(demand(secure=True), figures(), 2)
    assert rate.found == (
        "a worker held 100,000 messages/s of 64 bytes with 40 % of a core, 4.0 µs each; 200,000/s "
        "went through as fast as answers came, without TLS"
    )
    assert rate.wanted == "5,000/s in each of 2 workers: 10,000/s sent, 10,000/s heard"
    assert overhead.found == "p50 0.010 ms, p99 0.050 ms on each latency"


@pytest.mark.parametrize(
    ("p99_ms", "status"), [(0.9, "ok"), (1.0, "ok"), (1.001, "warn"), (None, "unknown")]
)
def test_our_own_overhead_stays_below_the_tick(p99_ms, status):
    _, overhead = check_ability(demand(), figures(overhead_p99_ms=p99_ms), 2)
    assert overhead.status == status


def test_a_self_test_that_could_not_be_done_is_a_warning():
    finding = not_tested("the echo server did not start: no port")
    assert finding.status == "warn"
    assert "no port" in finding.line()
