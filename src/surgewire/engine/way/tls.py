"""TLS of one worker: from the plan and its files to one context and a link for each connection."""

from functools import lru_cache
from pathlib import Path

from surgewire._core.tls_context import TlsContext, TlsSetupError
from surgewire._core.tls_link import TlsLink
from surgewire.errors import UsageError
from surgewire.plan.models import Plan
from surgewire.plan.way.tls import TlsPart

# As on the wire (RFC 8446 section 4.2.1).
_VERSIONS = {"1.0": 0x0301, "1.1": 0x0302, "1.2": 0x0303, "1.3": 0x0304}
_DEFAULT_LEAST = "1.2"
# What older versions need is below what OpenSSL takes for secure by itself.
_OLD_CIPHERS = "DEFAULT:@SECLEVEL=0"
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = "PRIVATE KEY-----"
_ENCRYPTED = "ENCRYPTED"
_MAX_FILE_BYTES = 16 * 1024 * 1024


class TlsError(UsageError):
    """A file of certificates or keys, or a value for OpenSSL, is of no use."""


class TlsLayer:
    """What the TLS connections of one worker share."""

    def __init__(self, part: TlsPart) -> None:
        """Read the files that `part` names. Raises TlsError for what is of no use."""
        self._part = part
        self._context = _make_context(part)

    def link(self, host: str, user: int) -> TlsLink:
        """Return the TLS of a new connection of `user` to `host`, a name or an address."""
        name = self._part.sni or host
        return TlsLink(
            self._context,
            _on_the_wire(name),
            address=self._part.sni is None and _is_address(host),
            resume=self._part.resumes(user),
        )


def check_tls(plan: Plan) -> None:
    """See whether all that TLS needs is there and fits. Raises TlsError before anything starts."""
    if plan.target.secure:
        TlsLayer(plan.tls).link(plan.target.host, 0)


def link_facts(link: TlsLink) -> tuple[str, ...]:
    """Return the names under which an established connection's TLS is counted."""
    return _facts(link.resumed, link.version, link.cipher, link.alpn)


@lru_cache(maxsize=64)
def _facts(resumed: bool, version: str, cipher: str, alpn: str | None) -> tuple[str, ...]:
    names = [
        "tls_resumed" if resumed else "tls_full",
        f"tls_version_{version.lower()}",
        f"tls_cipher_{cipher.lower()}",
    ]
    if alpn is not None:
        names.append(f"tls_alpn_{alpn.lower().replace('/', ':')}")
    return tuple(names)


@lru_cache(maxsize=64)
def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


@lru_cache(maxsize=64)
def _on_the_wire(name: str) -> str:
    """Return a host name as it travels: in ASCII, without a dot at its end."""
    try:
        return name.encode("idna").decode("ascii").removesuffix(".")
    except UnicodeError:
        raise TlsError(f"{name!r} is no host name that a certificate can be for") from None


def _make_context(part: TlsPart) -> TlsContext:
    password = None
    if part.ca is not None:
        _require(_read("--ca", part.ca), _CERTIFICATE, f"--ca {part.ca} holds no certificate")
    if part.cert is not None:
        password = _check_key(part)
    least = part.tls_min or min(_DEFAULT_LEAST, part.tls_max or _DEFAULT_LEAST)
    ciphers = part.older_ciphers
    if ciphers is None and least < _DEFAULT_LEAST:
        ciphers = _OLD_CIPHERS
    try:
        return TlsContext(
            verify=not part.insecure,
            ca=part.ca,
            cert=part.cert,
            key=part.key or part.cert,
            password=password,
            least=_VERSIONS[least],
            most=_VERSIONS[part.tls_max] if part.tls_max else 0,
            ciphers=ciphers,
            suites=part.suites,
            alpn=part.protocols,
            keep_sessions=part.tls_resume != "off",
        )
    except TlsSetupError as error:
        raise TlsError(_complaint(part, error)) from None


def _check_key(part: TlsPart) -> bytes | None:
    """Look at certificate and key; return the password of the key."""
    assert part.cert is not None
    certificate = _read("--cert", part.cert)
    _require(certificate, _CERTIFICATE, f"--cert {part.cert} holds no certificate")
    if part.key is None and _KEY not in certificate:
        raise TlsError(f"--cert {part.cert} holds no key; give that with --key FILE")
    key = certificate if part.key is None else _read("--key", part.key)
    _require(key, _KEY, f"--key {part.key} holds no key")
    if part.key_password_file is not None:
        lines = _read("--key-password-file", part.key_password_file).splitlines()
        return (lines or [""])[0].encode()
    if _ENCRYPTED in key:
        option = f"--key {part.key}" if part.key else f"--cert {part.cert}"
        raise TlsError(
            f"{option}: the key is encrypted; give its password with --key-password-file FILE"
        )
    return None


def _read(option: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("utf-8", "replace")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise TlsError(f"{option} {path} cannot be read: {why}") from None


def _require(text: str, mark: str, complaint: str) -> None:
    if mark not in text:
        raise TlsError(f"{complaint} in PEM; such a file has a line with {mark.strip('-')}")


def _complaint(part: TlsPart, error: TlsSetupError) -> str:
    reason = error.reason or "OpenSSL does not say why"
    match error.what:
        case "key" if "mismatch" in reason:
            return f"--key {part.key or part.cert} is not the key of --cert {part.cert}"
        case "key" if part.key_password_file is not None:
            return f"--key-password-file {part.key_password_file} does not open the key ({reason})"
        case "key":
            return f"--key {part.key or part.cert} is no key that OpenSSL can read: {reason}"
        case "cert":
            return f"--cert {part.cert} is no certificate that OpenSSL can read: {reason}"
        case "ca" if part.ca is not None:
            return f"--ca {part.ca} is no certificate that OpenSSL can read: {reason}"
        case "ca":
            return f"the system's authorities cannot be read ({reason}); give some with --ca FILE"
        case "ciphers" | "suites":
            return (
                f"--ciphers {part.ciphers}: OpenSSL knows none of that ({reason}); "
                "see `openssl ciphers`"
            )
        case _:
            return f"OpenSSL refuses the TLS options: {error.what}, {reason}"
