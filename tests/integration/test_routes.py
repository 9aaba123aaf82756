"""Ways to the target, as the servers at their end see them, and what goes wrong on them."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

import surgewire
from tests import ways
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

USERS = 4
PHASES = ("dns_time", "tcp_time", "proxy_time", "tls_time", "upgrade_time", "redirect_time")


def phases_add_up(result: surgewire.Result) -> bool:
    """Tell whether the phases of all connections are their connect times, none of them negative."""
    metrics = result.metrics
    total = metrics["connect_time"].mean * metrics["connect_time"].count
    parts = sum(metrics[name].mean * metrics[name].count for name in PHASES if metrics[name].count)
    # Milliseconds with three decimals each.
    return abs(total - parts) < 0.01 * metrics["connect_time"].count


def facts_of_way(result: surgewire.Result) -> dict[str, int]:
    """Return how often each address was used at both ends."""
    ways_used = ("address_", "source_")
    return {name: count for name, count in result.facts.items() if name.startswith(ways_used)}


@pytest.fixture(scope="module")
def proxy() -> Iterator[str]:
    with ways.proxy() as where:
        yield where


@pytest.fixture
def locked_proxy() -> Iterator[str]:
    """Give a proxy of its own to each test: it knows again whom it has let through."""
    with ways.proxy("me:secret") as where:
        yield where


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_messages_through_a_proxy(scheme: str, proxy: str, target: str, runner: Runner) -> None:
    result = runner.echo(target, route={"proxy": f"{scheme}://{proxy}"})
    assert result.connections.established == USERS
    assert result.delivery.delivered == result.delivery.sent == 10 * USERS
    assert result.metrics["proxy_time"].count == USERS
    [note] = [event.detail["text"] for event in result.events if event.kind == "note"]
    assert note == f"connecting through the proxy {scheme}://{proxy}"
    assert phases_add_up(result)


def test_tls_through_a_proxy(
    proxy: str, farm: Farm, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, root, own = trustme.CA(), tmp_path / "root.pem", tmp_path / "own.pem"
    authority.cert_pem.write_to_path(str(root))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(own))
    monkeypatch.setenv("SSL_CERT_FILE", str(root))
    port = farm.open("echo", certificate=own)
    # One user in each run: its phases are its own.
    for _ in range(3):
        result = runner.echo(
            f"wss://127.0.0.1:{port}/", connections=1, route={"proxy": f"http://{proxy}"}
        )
        assert result.delivery.delivered == result.delivery.sent == 10
        assert result.metrics["tls_time"].count == result.metrics["proxy_time"].count == 1
        assert phases_add_up(result)
    farm.close(port)


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_with_a_password(
    scheme: str, locked_proxy: str, target: str, runner: Runner
) -> None:
    for credentials in ("", "me:wrong@"):
        wrong = {"proxy": f"{scheme}://{credentials}{locked_proxy}"}
        errors = runner.connect(target, connections=2, route=wrong).connections.errors
        # Over SOCKS5, this one hangs up without a word.
        assert errors == {"proxy_auth" if scheme == "http" else "proxy_eof": 2}
    right = {"proxy": f"{scheme}://me:secret@{locked_proxy}"}
    assert runner.connect(target, connections=2, route=right).connections.established == 2


def test_a_proxy_that_does_not_reach_the_target(proxy: str, runner: Runner) -> None:
    port = ways.free_port()
    for scheme in ("http", "socks5h"):
        route = {"proxy": f"{scheme}://{proxy}"}
        result = runner.connect(f"ws://127.0.0.1:{port}/", connections=2, route=route)
        [(kind, count)] = result.connections.errors.items()
        assert count == 2
        assert kind.startswith(("proxy_", "tcp_reset", "upgrade_eof"))


def test_a_proxy_is_reached_from_the_sources_and_by_name(
    proxy: str, target: str, runner: Runner
) -> None:
    host, port = proxy.split(":")
    route = {
        "proxy": f"http://proxy.example:{port}",
        "resolve": [f"proxy.example:{port}:{host}"],
        "source": "127.0.0.4-127.0.0.5",
    }
    result = runner.connect(target, route=route)
    assert result.connections.established == 10
    assert facts_of_way(result) == {
        "address_127.0.0.1": 10,
        "source_127.0.0.4": 5,
        "source_127.0.0.5": 5,
    }


@contextlib.contextmanager
def silence() -> Iterator[int]:
    """Accept and say nothing; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for sock in kept:
                sock.close()


@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_says_nothing(scheme: str, target: str, runner: Runner) -> None:
    with silence() as port:
        route = {"proxy": f"{scheme}://127.0.0.1:{port}"}
        result = runner.connect(target, connections=2, route=route, connect_timeout="200ms")
    assert result.connections.errors == {"timeout_proxy": 2}


def test_each_phase_has_a_timeout_of_its_own(runner: Runner) -> None:
    with silence() as port:
        ws, wss = f"ws://127.0.0.1:{port}/", f"wss://127.0.0.1:{port}/"
        upgrade = runner.connect(ws, connections=2, upgrade_timeout="100ms")
        tls = runner.connect(wss, connections=2, tls_timeout="100ms")
    assert upgrade.connections.errors == {"timeout_upgrade": 2}
    assert tls.connections.errors == {"timeout_tls": 2}
    # Long before the 5 s that the other phases have.
    assert upgrade.duration_s < 2
    assert tls.duration_s < 2


def test_a_slow_upgrade_may_take_longer_than_connecting(farm: Farm, runner: Runner) -> None:
    port = farm.open("slow_upgrade")
    result = runner.connect(
        f"ws://127.0.0.1:{port}/",
        connections=2,
        connect_timeout="150ms",
        upgrade_timeout="5s",
    )
    assert result.connections.established == 2
    assert result.metrics["upgrade_time"].min >= 290
    assert phases_add_up(result)
    farm.close(port)


def test_a_resolver_that_does_not_answer(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    async def look_up(*_: object) -> object:
        import asyncio

        return await asyncio.sleep(30)

    monkeypatch.setattr("surgewire.engine.way.resolver.Resolver._look_up", look_up)
    for kind in (runner.connect, runner.echo):
        result = kind("ws://chat.example/", connections=2, connect_timeout="200ms")
        assert result.connections.errors == {"timeout_dns": 2}


def test_users_are_dealt_over_all_sources(farm: Farm, runner: Runner) -> None:
    port = farm.open("echo")
    result = runner.echo(
        f"ws://127.0.0.1:{port}/", connections=6, route={"source": "127.0.0.7-127.0.0.9"}
    )
    assert result.delivery.delivered == result.delivery.sent == 60
    truth = farm.close(port)
    for address in ("127.0.0.7", "127.0.0.8", "127.0.0.9"):
        assert truth[f"from {address}"] == result.facts[f"source_{address}"] == 2
    assert [event.detail["text"] for event in result.events if event.kind == "note"] == [
        "connecting from 3 addresses, 127.0.0.7 to 127.0.0.9"
    ]


def test_a_name_with_given_addresses_is_spread_over_both_families(
    farm: Farm, runner: Runner
) -> None:
    port = farm.open("echo")
    route = {"resolve": [f"chat.example:{port}:127.0.0.1,127.0.0.1"]}
    result = runner.connect(f"ws://chat.example:{port}/", route=route)
    assert result.metrics["dns_time"].count == 0
    assert facts_of_way(result) == {"address_127.0.0.1": 10}
    farm.close(port)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_dual_stack(runner: Runner) -> None:
    """One port that listens on both families, as servers do."""
    with ways.dual_stack_echo() as port:
        url = f"ws://both.example:{port}/"
        given = f"both.example:{port}:127.0.0.1,::1"
        both = runner.echo(url, route={"resolve": [given]})
        only_6 = runner.echo(url, route={"resolve": [given], "family": "6"})
        from_6 = runner.echo(url, route={"resolve": [given], "source": "::1"})
    assert facts_of_way(both) == {"address_127.0.0.1": 2, "address_::1": 2}
    assert facts_of_way(only_6) == {"address_::1": 4}
    assert facts_of_way(from_6) == {"address_::1": 4, "source_::1": 4}
    for result in (both, only_6, from_6):
        assert result.delivery.delivered == result.delivery.sent == 10 * USERS


def test_messages_over_a_unix_socket(tmp_path: Path, runner: Runner) -> None:
    # pytest's folder may be longer than a Unix socket's path.
    with short_folder() as folder, ways.unix_echo(folder / "a b.sock") as path:
        url = f"ws+unix://{str(path).replace(' ', '%20')}:/chat?token=x"
        result = runner.echo(url)
        small = runner.echo(url, sockets={"receive_buffer": "4k"})
    for run in (result, small):
        assert run.delivery.delivered == run.delivery.sent == 10 * USERS
        assert phases_add_up(run)
        assert run.target.url == f"ws+unix://{folder}/a%20b.sock:/chat?token=***"
    assert facts_of_way(result) == {}


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    import tempfile

    with tempfile.TemporaryDirectory(prefix="sw") as folder:
        yield Path(folder)


def test_unix_sockets_that_cannot_be_used(runner: Runner) -> None:
    with short_folder() as folder:
        (folder / "file").touch()
        dead = folder / "dead"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(dead))
            full = folder / "full"
            with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
                busy.bind(str(full))
                busy.listen(0)
                waiting.connect(str(full))
                kinds = {
                    "none": "unix_missing",
                    "file": "unix_refused",
                    "dead": "unix_refused",
                    "full": "unix_backlog_full",
                }
                for name, kind in kinds.items():
                    result = runner.connect(f"ws+unix://{folder}/{name}", connections=2)
                    assert result.connections.errors == {kind: 2}, name


def test_thousands_of_connections_need_no_ports_on_a_unix_socket(runner: Runner) -> None:
    with short_folder() as folder, ways.unix_echo(folder / "s") as path:
        result = runner.connect(
            f"ws+unix://{path}", connections=200, connect_rate="2000/s", processes=1
        )
    assert result.connections.established == 200
    assert result.metrics["tcp_time"].count == 200
