from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from surgewire.engine.way.tls import TlsError, TlsLayer, check_tls
from surgewire.plan.models import EchoPlan
from surgewire.plan.way.tls import TlsPart
from tests.certificates import Authority


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def files(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    cert, key = authority.pair("client.example")
    _, other_key = authority.pair("other.example")
    plain = load_pem_private_key(key.read_bytes(), None)
    locked = folder / "locked.pem"
    sealed = BestAvailableEncryption(b"open sesame")
    locked.write_bytes(plain.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    made = {"password": b"open sesame\n", "wrong": b"guess", "empty": b"", "text": b"no PEM"}
    for name, content in made.items():
        (folder / name).write_bytes(content)
    damaged = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n"
    (folder / "damaged").write_text(damaged)
    paths = {name: str(folder / name) for name in (*made, "damaged")}
    return paths | {
        "cert": str(cert),
        "key": str(key),
        "other_key": str(other_key),
        "locked": str(locked),
        "both": str(authority.certificate("both.example")),
        "ca": str(authority.root),
        "missing": str(folder / "missing.pem"),
        "folder": str(folder),
    }


@pytest.mark.parametrize(
    "given",
    [
        {"ca": "ca"},
        {"cert": "cert", "key": "key"},
        {"cert": "both"},
        {"cert": "cert", "key": "locked", "key_password_file": "password"},
    ],
)
def test_files_that_are_good(given: dict[str, str], files: dict[str, str]) -> None:
    TlsLayer(TlsPart(**{name: files[value] for name, value in given.items()}))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ca": "missing"}, "--ca {missing} cannot be read: no such file or directory"),
        ({"ca": "folder"}, "--ca {folder} cannot be read: is a directory"),
        ({"ca": "text"}, "--ca {text} holds no certificate in PEM"),
        ({"ca": "empty"}, "--ca {empty} holds no certificate in PEM"),
        ({"ca": "damaged"}, "--ca {damaged} is no certificate that OpenSSL can read"),
        ({"cert": "cert"}, "--cert {cert} holds no key; give that with --key FILE"),
        ({"cert": "text"}, "--cert {text} holds no certificate in PEM"),
        ({"cert": "cert", "key": "missing"}, "--key {missing} cannot be read"),
        ({"cert": "cert", "key": "cert"}, "--key {cert} holds no key in PEM"),
        ({"cert": "cert", "key": "other_key"}, "--key {other_key} is not the key of --cert {cert}"),
        ({"cert": "cert", "key": "locked"}, "the key is encrypted; give its password"),
        (
            {"cert": "cert", "key": "locked", "key_password_file": "wrong"},
            "--key-password-file {wrong} does not open the key",
        ),
        (
            {"cert": "cert", "key": "locked", "key_password_file": "missing"},
            "--key-password-file {missing} cannot be read",
        ),
    ],
)
def test_files_that_are_not(given: dict[str, str], said: str, files: dict[str, str]) -> None:
    part = TlsPart(**{name: files[value] for name, value in given.items()})
    plan = EchoPlan(url="wss://h/", connections=1, rate="1/s", tls=part.to_dict())
    with pytest.raises(TlsError) as caught:
        check_tls(plan)
    assert str(caught.value).startswith(said.format(**files)) or said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert "open sesame" not in str(caught.value)


def test_ciphers_that_nobody_knows() -> None:
    for name in ("NONSENSE", "TLS_NONSENSE"):
        with pytest.raises(TlsError, match=f"--ciphers {name}: OpenSSL knows none of that"):
            TlsLayer(TlsPart(ciphers=name))


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_every_version_can_be_had(version: str) -> None:
    TlsLayer(TlsPart(tls_min=version, tls_max=version)).link("localhost", 0)
    TlsLayer(TlsPart(tls_max=version)).link("localhost", 0)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "::1", "localhost", "chat.example.", "bücher.example"]
)
def test_names_and_addresses(host: str) -> None:
    assert TlsLayer(TlsPart()).link(host, 0).start()


def test_a_plan_without_tls_needs_nothing(tmp_path: Path) -> None:
    check_tls(EchoPlan(url="ws://h/", connections=1, rate="1/s"))
