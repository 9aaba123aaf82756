from types import SimpleNamespace

import pytest

from surgewire.engine.way.attempt import Attempt

MS = 1_000_000


def stamps(link: SimpleNamespace | None = None, **instants: int) -> SimpleNamespace:
    """Stand for a connection: the attempt reads three of its stamps, and what became of TLS."""
    stamped = {"tcp_ns": 0, "secured_ns": 0, "open_ns": 0} | instants
    return SimpleNamespace(link=link, **stamped)


def test_phases_of_a_plain_connection_to_an_address() -> None:
    attempt = Attempt(0, 90 * MS, started_ns=100 * MS, dialled_ns=100 * MS)
    connection = stamps(tcp_ns=103 * MS, open_ns=110 * MS)
    assert attempt.phases_ns(connection) == {
        "connect_time": 10 * MS,
        "tcp_time": 3 * MS,
        "upgrade_time": 7 * MS,
    }


@pytest.mark.parametrize(("resumed", "metric"), [(False, "tls_time"), (True, "tls_time_resumed")])
def test_all_phases_add_up(resumed: bool, metric: str) -> None:
    attempt = Attempt(0, 0, started_ns=100 * MS, dialled_ns=105 * MS)
    link = SimpleNamespace(resumed=resumed)
    connection = stamps(link, tcp_ns=108 * MS, secured_ns=120 * MS, open_ns=121 * MS)
    phases = attempt.phases_ns(connection)
    assert phases == {
        "connect_time": 21 * MS,
        "dns_time": 5 * MS,
        "tcp_time": 3 * MS,
        metric: 12 * MS,
        "upgrade_time": 1 * MS,
    }
    assert sum(phases.values()) == 2 * phases["connect_time"]


def test_the_way_through_a_proxy_is_a_phase_of_its_own() -> None:
    attempt = Attempt(0, 0, started_ns=100 * MS, dialled_ns=101 * MS, proxied_ns=103 * MS)
    connection = stamps(
        SimpleNamespace(resumed=False), tcp_ns=110 * MS, secured_ns=120 * MS, open_ns=121 * MS
    )
    phases = attempt.phases_ns(connection)
    assert phases == {
        "connect_time": 21 * MS,
        "dns_time": 1 * MS,
        "tcp_time": 2 * MS,
        "proxy_time": 7 * MS,
        "tls_time": 10 * MS,
        "upgrade_time": 1 * MS,
    }
    assert sum(phases.values()) == 2 * phases["connect_time"]
