"""Options of TLS, seen from the server's side."""

import pytest

import surgewire
from surgewire.report.text import format_report
from tests.certificates import HOSTS, Authority
from tests.integration.conftest import Farm
from tests.integration.runs import Runner

USERS = 4


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Bench:
    """Runs against an echo server behind TLS."""

    def __init__(self, farm: Farm, runner: Runner, authority: Authority) -> None:
        self._farm, self._runner, self.authority = farm, runner, authority
        self.truth: dict[str, int] = {}

    def echo(
        self, tls: dict[str, object], *, server: dict[str, object] | None = None, **plan: object
    ) -> surgewire.Result:
        certificate = self.authority.certificate(*HOSTS)
        given = {"certificate": certificate} | (server or {})
        port = self._farm.open("echo", **given)  # type: ignore[arg-type]
        result = self._runner.echo(f"wss://localhost:{port}/", tls=tls, **plan)
        self.truth = dict(self._farm.close(port))
        return result

    def trusting(self, **tls: object) -> dict[str, object]:
        return {"ca": str(self.authority.root)} | tls


@pytest.fixture
def bench(farm: Farm, runner: Runner, authority: Authority) -> Bench:
    return Bench(farm, runner, authority)


def test_a_given_authority_is_trusted_and_facts_are_counted(bench: Bench) -> None:
    result = bench.echo(bench.trusting())
    assert result.connections.established == USERS
    assert result.facts["tls_full"] == result.facts["tls_version_tlsv1.3"] == USERS
    assert sum(n for name, n in result.facts.items() if name.startswith("tls_cipher_")) == USERS
    assert bench.truth["resumed"] == 0
    assert not [note for note in result.notes if note.code == "insecure"]


@pytest.mark.parametrize(("resume", "resumed"), [("on", 9), ("both", 5), ("off", 0)])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_sessions_resumed_are_counted_and_timed_apart(
    resume: str, resumed: int, version: str, bench: Bench
) -> None:
    tls = bench.trusting(tls_resume=resume, tls_min=version, tls_max=version)
    result = bench.echo(tls, connections=10, processes=1, ramp="400ms")
    facts = result.facts
    assert facts.get("tls_resumed", 0) == bench.truth["resumed"]
    # Who comes before the first session is there finds none to resume.
    assert min(1, resumed) <= facts.get("tls_resumed", 0) <= resumed
    assert facts.get("tls_resumed", 0) + facts.get("tls_full", 0) == 10
    assert result.metrics["tls_time_resumed"].count == facts.get("tls_resumed", 0)
    assert result.metrics["tls_time"].count == facts["tls_full"]
    assert bench.truth[f"secured by TLSv{version}"] == 10
    assert ("tls resumed" in format_report(result)) == (resume != "off")


@pytest.mark.parametrize("resume", ["off", "on"])
def test_the_phases_of_one_connection_add_up(resume: str, bench: Bench) -> None:
    result = bench.echo(bench.trusting(tls_resume=resume), connections=1)
    names = ("dns_time", "tcp_time", "tls_time", "tls_time_resumed", "upgrade_time")
    phases = [result.metrics[name] for name in names]
    total = result.metrics["connect_time"].mean
    assert total == pytest.approx(sum(p.mean for p in phases if p.mean is not None), abs=1.0)


def test_insecure_checks_nothing_and_says_so(bench: Bench) -> None:
    result = bench.echo({"insecure": True}, server={"certificate": bench.authority.expired()})
    assert result.connections.established == USERS
    assert "INSECURE: certificates are not checked" in format_report(result)
    assert [note.code for note in result.notes][:1] == ["insecure"]


def test_an_expired_certificate(bench: Bench) -> None:
    result = bench.echo(bench.trusting(), server={"certificate": bench.authority.expired()})
    assert result.connections.errors == {"tls_certificate_expired": USERS}


def test_a_server_of_an_older_version(bench: Bench) -> None:
    old = {"tls_max": "TLSv1_2"}
    assert bench.echo(bench.trusting(), server=old).facts["tls_version_tlsv1.2"] == USERS
    result = bench.echo(bench.trusting(tls_min="1.3"), server=old)
    # The server hangs up without a word; test_tls_link.py has the alert of one that tells.
    assert result.connections.errors == {"tls_eof": USERS}


def test_a_server_that_wants_a_certificate(bench: Bench) -> None:
    wants = {"client_ca": bench.authority.root}
    result = bench.echo(bench.trusting(), server=wants)
    assert result.connections.established == 0
    # As above: with TLS 1.3 the refusal comes when the client believes itself secure. Its request
    # may meet a closed socket then, which answers by a reset.
    assert result.connections.errors.keys() <= {"upgrade_eof", "tcp_reset"}
    assert sum(result.connections.errors.values()) == USERS
    cert, key = bench.authority.pair("client.example")
    result = bench.echo(bench.trusting(cert=str(cert), key=str(key)), server=wants)
    assert result.connections.established == USERS


def test_the_name_asked_for_is_the_name_checked(bench: Bench) -> None:
    named = {"certificate": bench.authority.certificate("chat.example")}
    result = bench.echo(bench.trusting(sni="chat.example"), server=named)
    assert result.connections.established == USERS
    result = bench.echo(bench.trusting(sni="other.example"), server=named)
    assert result.connections.errors == {"tls_certificate_wrong_name": USERS}


def test_chosen_ciphers_are_used(bench: Bench) -> None:
    result = bench.echo(bench.trusting(ciphers="TLS_AES_128_GCM_SHA256"))
    assert result.facts["tls_cipher_tls_aes_128_gcm_sha256"] == USERS
    older = bench.trusting(tls_max="1.2", ciphers="ECDHE-ECDSA-CHACHA20-POLY1305")
    assert bench.echo(older).facts["tls_cipher_ecdhe-ecdsa-chacha20-poly1305"] == USERS
