"""nginx and HAProxy in front of a server, and Node's ws: accounts are exact, failures named."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from tests.delivery.matrix import Case
from tests.delivery.runs import carry_out
from tests.delivery.targets import Target, independent
from tests.delivery.test_matrix import check_account
from tests.integration.front_ends import FRONT_ENDS, front_end, node
from tests.integration.runs import Runner

USERS = 12
IDLE_MS = 700
"""nginx moves a timer by 300 ms at least, so one of less would end whoever pings as well."""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a certificate with its key; its issuer is trusted as long as the tests run."""
    folder = tmp_path_factory.mktemp("authority")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "root.pem"))
    path = folder / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(folder / "root.pem"))
        yield path


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


@dataclass(frozen=True)
class Behind(Case):
    """A chat server whose users come through a front end, or straight where there is none."""

    pem: Path | None = None

    @contextmanager
    def serve(self, folder: Path) -> Iterator[Target]:
        if self.target == "node":
            with node(folder) as target:
                yield target
            return
        with independent("websockets", folder) as target:
            port = port_of(target.url)
            with front_end(self.target, folder, port, pem=self.pem) as url:
                yield Target(url, target.truth)


@pytest.mark.parametrize(
    ("name", "motion"), [("nginx", "churn"), ("haproxy", "still"), ("node", "churn")]
)
def test_each_delivery_is_accounted_for(name: str, motion: str, pem: Path, tmp_path: Path) -> None:
    case = Behind(name, "none", 2, "small", motion, varied=motion == "churn", pem=pem)
    outcome = carry_out(case, tmp_path)
    check_account(outcome)
    total = outcome.account.total
    assert total["delivered"] > 300
    assert motion == "churn" or total["delivered"] == total["expected"]
    assert outcome.result.connections.errors == outcome.result.connections.closed == {}


@pytest.mark.parametrize(("name", "tls"), [("nginx", True), ("haproxy", True), ("haproxy", False)])
def test_echo(name: str, tls: bool, pem: Path, tmp_path: Path, runner: Runner) -> None:
    with node(tmp_path) as target:
        behind = port_of(target.url)
        with front_end(name, tmp_path, behind, pem=pem if tls else None) as url:
            result = runner.echo(f"{url}echo", connections=USERS, size="200", drain="5s")
    delivery = result.delivery
    assert result.connections.established == USERS
    assert result.connections.errors == result.connections.closed == {}
    assert delivery.planned == delivery.sent == delivery.delivered == 10 * USERS
    assert delivery.duplicated == delivery.reordered == delivery.damaged == delivery.unmarked == 0
    assert result.metrics["tls_time"].count == (USERS if tls else 0)


def test_large_messages_through_tls(pem: Path, tmp_path: Path, runner: Runner) -> None:
    """Cut into records by one, and put together otherwise by the next."""
    with (
        node(tmp_path) as target,
        front_end("haproxy", tmp_path, port_of(target.url), pem=pem) as inner,
        front_end("nginx", tmp_path, port_of(target.url), pem=pem) as outer,
    ):
        for url in (inner, outer):
            result = runner.echo(f"{url}echo", connections=2, rate="20/s", size="300k", drain="5s")
            assert result.delivery.sent == result.delivery.delivered == 8


@pytest.mark.parametrize(("name", "status"), [("nginx", "http_502"), ("haproxy", "http_503")])
def test_nobody_behind_it(name: str, status: str, tmp_path: Path, runner: Runner) -> None:
    with front_end(name, tmp_path, 1) as url:
        result = runner.connect(url, connections=5)
    assert result.connections.errors == {status: 5}
    assert result.verdict.status.value == "failed"


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_silence_is_cut_and_pings_prevent_it(name: str, tmp_path: Path, runner: Runner) -> None:
    with (
        node(tmp_path) as target,
        front_end(name, tmp_path, port_of(target.url), idle_ms=IDLE_MS) as url,
    ):
        silent = runner.connect(f"{url}echo", connections=4, hold="1200ms")
        pinging = runner.connect(f"{url}echo", connections=4, hold="1200ms", ping="100ms")
    assert sum(silent.connections.closed.values()) == 4
    assert pinging.connections.closed == {}
    assert pinging.pings.answered >= 4 * 5
