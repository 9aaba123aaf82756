"""Names and addresses: looked up, timed, and what becomes of those that lead nowhere."""

import socket

import pytest

from surgewire.engine.way.resolver import Addresses
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

USERS = 4


def test_an_address_is_not_looked_up(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(f"ws://127.0.0.1:{port}/")
    assert result.metrics["dns_time"].count == 0
    assert result.metrics["tls_time"].count == 0
    assert result.metrics["tcp_time"].count == result.metrics["upgrade_time"].count == 10
    farm.close(port)


def test_a_name_is_looked_up_for_each_attempt_of_a_connect_run(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.connect(f"ws://localhost:{port}/")
    assert result.connections.established == 10
    assert result.metrics["dns_time"].count == 10
    assert result.metrics["dns_time"].max > 0
    farm.close(port)


def test_a_name_is_looked_up_once_by_each_worker_of_an_echo_run(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(f"ws://localhost:{port}/")
    assert result.connections.established == USERS
    assert result.delivery.delivered == result.delivery.sent > 0
    # All begin at once, and wait for the one lookup of their worker.
    assert result.metrics["dns_time"].count == USERS
    farm.close(port)


@pytest.mark.parametrize("kind", ["echo", "connect"])
def test_a_name_that_does_not_resolve(kind: str, runner: Runner) -> None:
    url = "ws://no.such.host.invalid:8765/"
    result = runner.echo(url) if kind == "echo" else runner.connect(url, connections=USERS)
    assert result.connections.errors == {"dns": USERS}
    assert result.metrics["dns_time"].count == 0
    assert result.verdict.status == "failed"


def test_the_next_address_is_tried(
    farm: Farm, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server listens on the second address of a name; nothing does on the first."""
    port = farm.open("echo")
    monkeypatch.setattr(
        "surgewire.engine.way.resolver.Resolver._look_up", two_addresses("127.0.0.2", "127.0.0.1")
    )
    result = runner.echo(f"ws://chat.example:{port}/")
    assert result.connections.established == USERS
    # Every other user begins with the address where nothing listens.
    assert result.facts["address_127.0.0.1"] == USERS
    assert result.facts["address_failed_127.0.0.2"] == USERS // 2
    monkeypatch.setattr(
        "surgewire.engine.way.resolver.Resolver._look_up", two_addresses("127.0.0.2", "127.0.0.3")
    )
    result = runner.echo(f"ws://chat.example:{port}/")
    assert result.connections.errors == {"tcp_refused": USERS}
    farm.close(port)


def two_addresses(*addresses: str) -> object:
    async def look_up(*_: object) -> Addresses:
        return Addresses.found(addresses)

    return look_up


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_ipv6(target_on_ipv6: str, runner: Runner) -> None:
    result = runner.echo(target_on_ipv6)
    assert result.delivery.delivered == result.delivery.sent == 10 * USERS


def test_users_are_spread_over_source_addresses(
    farm: Farm, runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("surgewire.engine.way.sources.ports_per_source", lambda ports: 2)
    port = farm.open("echo")
    result = runner.echo(f"ws://localhost:{port}/")
    assert result.connections.established == USERS
    truth = farm.close(port)
    # Half of the ports of each address, which is one.
    assert [truth[f"from 127.0.0.{1 + user}"] for user in range(USERS)] == [1] * USERS
