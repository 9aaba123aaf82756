import pytest
from pydantic import ValidationError

from surgewire.plan.describe import describe_error
from surgewire.plan.models import EchoPlan, plan_from_dict
from surgewire.plan.way.tls import TlsPart


def plan(url: str = "wss://h/", **tls: object) -> EchoPlan:
    return EchoPlan(url=url, connections=1, rate="1/s", tls=tls)


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ({"insecure": True, "ca": "ca.pem"}, "--insecure checks no certificate"),
        ({"key": "key.pem"}, "give that with --cert FILE"),
        ({"key_password_file": "p"}, "give --cert FILE and --key FILE"),
        ({"tls_min": "1.3", "tls_max": "1.2"}, "--tls-min 1.3 is above --tls-max 1.2"),
        ({"tls_min": "1.4"}, "--tls-min: '1.4' is no TLS version; write 1.2 or 1.3"),
        ({"tls_resume": "sometimes"}, "--tls-resume: 'sometimes' is none of off, on, both"),
        ({"sni": "no name"}, "--sni: 'no name' is no host name"),
        ({"sni": ""}, "--sni: '' is no host name"),
        ({"ca": " "}, "--ca: ' ' is no file"),
        ({"ciphers": "A;B"}, "--ciphers: 'A;B' is no list of ciphers"),
        ({"alpn": "h2,,x"}, "--alpn: 'h2,,x': write names with commas"),
    ],
)
def test_what_makes_no_sense(tls: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(**tls)
    told = describe_error(caught.value)
    assert said in told
    assert "\n" not in told


@pytest.mark.parametrize(
    "tls", [{"ca": "c"}, {"insecure": True}, {"tls_resume": "on"}, {"tls_min": "1.2"}]
)
def test_tls_needs_a_target_with_tls(tls: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        plan("ws://h/", **tls)
    option = next(iter(tls)).replace("_", "-")
    assert describe_error(caught.value) == (
        f"--{option} is about TLS, and the target is a ws:// URL; write wss://"
    )
    EchoPlan(url="ws://h/", connections=1, rate="1/s", tls=tls, request={"follow": True})


def test_a_plan_comes_back_as_it_was() -> None:
    before = plan(ca="ca.pem", sni="chat.example", tls_min="1.2", alpn="h2,http/1.1")
    assert plan_from_dict(before.to_dict()) == before
    assert plan_from_dict(plan("ws://h/").to_dict()).tls == TlsPart()


def test_ciphers_are_told_apart_by_version() -> None:
    part = TlsPart(ciphers="ECDHE+AESGCM:TLS_AES_128_GCM_SHA256,TLS_CHACHA20_POLY1305_SHA256")
    assert part.suites == "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"
    assert part.older_ciphers == "ECDHE+AESGCM"
    assert TlsPart().suites is TlsPart().older_ciphers is None


def test_protocols_and_who_resumes() -> None:
    assert TlsPart(alpn="h2,http/1.1").protocols == (b"h2", b"http/1.1")
    assert [TlsPart(tls_resume="both").resumes(user) for user in range(4)] == [0, 1, 0, 1]
    assert TlsPart(tls_resume="on").resumes(0)
    assert not TlsPart().resumes(1)


def test_no_credentials_go_elsewhere() -> None:
    part = TlsPart(ca="ca", cert="c", key="k", key_password_file="p", sni="n", tls_min="1.2")
    assert part.elsewhere() == TlsPart(ca="ca", tls_min="1.2")
