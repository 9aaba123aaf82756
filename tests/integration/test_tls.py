"""TLS: phases that add up, certificates that are checked, handshakes that fail."""

from collections.abc import Callable

import pytest

import surgewire
from tests.certificates import Authority
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

USERS = 4


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))
    return authority


Secure = Callable[..., surgewire.Result]


@pytest.fixture
def secure(farm: Farm, runner: Runner, trusted: Authority) -> Secure:
    """Run against a misbehaving server behind TLS."""

    def run(behaviour: str, **values: object) -> surgewire.Result:
        port = farm.open(behaviour, certificate=trusted.certificate("127.0.0.1", "localhost"))
        result = runner.echo(f"wss://127.0.0.1:{port}/", **values)
        answered = farm.close(port)["answered"]
        # Of what came in the same read as bytes that cannot be decrypted, nothing is delivered.
        delivered = result.delivery.delivered
        assert delivered == answered or (behaviour == "past_tls" and delivered < answered)
        return result

    return run


def total_ms(result: surgewire.Result, metric: str) -> float:
    summary = result.metrics[metric]
    return 0.0 if summary.mean is None else summary.mean * summary.count


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("kind", ["echo", "connect"])
def test_phases_add_up(
    kind: str, host: str, farm: Farm, runner: Runner, trusted: Authority
) -> None:
    port = farm.open("echo", certificate=trusted.certificate("127.0.0.1", "localhost"))
    url = f"wss://{host}:{port}/"
    result = runner.echo(url) if kind == "echo" else runner.connect(url)
    farm.close(port)
    established = result.connections.established
    assert established == (USERS if kind == "echo" else 10)
    assert result.connections.errors == {}
    counts = {name: summary.count for name, summary in result.metrics.items()}
    assert counts["tcp_time"] == counts["tls_time"] == counts["upgrade_time"] == established
    # In an echo run one lookup serves a worker's users; here all of them wait for it.
    assert counts["dns_time"] == (0 if host == "127.0.0.1" else established)
    parts = sum(total_ms(result, f"{part}_time") for part in ("dns", "tcp", "tls", "upgrade"))
    # Means are printed with three decimals.
    assert total_ms(result, "connect_time") == pytest.approx(parts, abs=0.0005 * 5 * established)


def test_messages_over_tls(secure: Secure) -> None:
    result = secure("echo", size="100k")
    assert result.delivery.delivered == result.delivery.sent == 10 * USERS
    assert result.connections.closed == {}


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("reset", "tcp_reset"),
        ("past_tls", "tls_wrong_version_number"),
        ("close_1001", "close_1001"),
        ("compressed", "protocol_reserved_bits"),
    ],
)
def test_connections_that_end(behaviour: str, kind: str, secure: Secure) -> None:
    result = secure(behaviour)
    assert result.connections.closed == {kind: USERS}
    assert result.delivery.lost == 0


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("http_503", "http_503"),
        ("eof_in_upgrade", "upgrade_eof"),
        ("reset_in_upgrade", "tcp_reset"),
        ("silent", "timeout_upgrade"),
    ],
)
def test_upgrades_that_fail(behaviour: str, kind: str, secure: Secure) -> None:
    result = secure(behaviour, connect_timeout="1s" if behaviour == "silent" else "5s")
    assert result.connections.errors == {kind: USERS}


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("garbage", "tls_wrong_version_number"),
        ("silent", "timeout_tls"),
        ("reset_at_accept", "tcp_reset"),
        ("hangs_up_at_hello", "tls_eof"),
        ("resets_at_hello", "tcp_reset"),
        ("alerts", "tls_sslv3_alert_handshake_failure"),
        ("blackhole", "timeout_connect"),
    ],
)
def test_handshakes_that_fail(
    behaviour: str, kind: str, farm: Farm, runner: Runner, trusted: Authority
) -> None:
    port = farm.open(behaviour)
    result = runner.echo(f"wss://127.0.0.1:{port}/", connect_timeout="500ms")
    farm.close(port)
    assert result.connections.errors == {kind: USERS}


def test_an_unknown_authority(farm: Farm, runner: Runner, authority: Authority) -> None:
    port = farm.open("echo", certificate=authority.certificate("127.0.0.1"))
    result = runner.echo(f"wss://127.0.0.1:{port}/")
    farm.close(port)
    assert result.connections.errors == {"tls_certificate_unknown_ca": USERS}


def test_a_certificate_for_another_name(farm: Farm, runner: Runner, trusted: Authority) -> None:
    port = farm.open("echo", certificate=trusted.certificate("chat.example"))
    result = runner.echo(f"wss://127.0.0.1:{port}/")
    farm.close(port)
    assert result.connections.errors == {"tls_certificate_wrong_name": USERS}
