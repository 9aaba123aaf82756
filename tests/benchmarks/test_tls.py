"""The benchmark of TLS: its target, one measure, its tables."""

import shutil
import socket
import ssl

import pytest
from harness import tls
from harness.jobs import Job, Timing
from harness.server import build_limit


@pytest.fixture(scope="module")
def bench():
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here")
    build_limit("tls")
    with tls.bench_here() as made:
        yield made


def test_the_target_resumes_sessions(bench):
    context = ssl.create_default_context(cafile=bench.root)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    reused, session = [], None
    with bench.target() as server:
        for _ in range(2):
            plain = socket.create_connection(("127.0.0.1", server.port))
            with context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as link:
                link.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert link.recv(100).startswith(b"HTTP/1.1 400 ")
                reused.append(link.session_reused)
                session = link.session
        assert server.stop()["load"]["errors"] == 2
    assert reused == [False, True]


@pytest.mark.parametrize("library", ["picows", "Surgewire"])
def test_messages_are_measured(library, bench):
    if library == "picows":
        pytest.importorskip("picows")
    generator = next(each for each in tls.generators() if each.name == library)
    job = Job("few", "few", "pingpong", 4, connect_rate=100)
    timing = Timing(window_s=0.3, settle_s=0.1, margin_s=0.2)
    assert 0 < tls.message_cpu_us(bench, generator, job, timing) < 10_000


def test_ratios_are_those_of_one_round():
    given = {("a", 1): 10.0, ("b", 1): 20.0, ("a", 2): 10.0, ("b", 2): 40.0, ("b", 3): 1.0}
    costs = [tls.Cost("case", name, number, cpu) for (name, number), cpu in given.items()]
    assert tls.ratios(costs, "case", "b", "a") == [2.0, 4.0]
    assert tls.table(costs, ["a", "b"], "a", "b") == [
        "| | a | b | b to a |",
        "|---|---|---|---|",
        "| case | 10.0 µs | 20.0 µs | 3.00 × (2.00 to 4.00) |",
    ]
