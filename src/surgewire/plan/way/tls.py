"""How wss connections are secured and whom they trust."""

import re
from typing import Literal, Self

from pydantic import field_validator, model_validator

from surgewire.plan.units import UnitError, shorten
from surgewire.plan.way.part import Part

TlsVersion = Literal["1.0", "1.1", "1.2", "1.3"]
Resumption = Literal["off", "on", "both"]

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_CIPHERS = re.compile(r"[A-Za-z0-9_+!@=:,. -]+")
_MAX_NAME = 253
_MAX_PROTOCOL = 255
# Names of suites for TLS 1.3 (RFC 8446 appendix B.4); OpenSSL sets those apart from all others.
_SUITE_PREFIX = "TLS_"


class TlsPart(Part):
    """How wss connections are secured and whom they trust.

    Files are named here and read by the engine.
    """

    ca: str | None = None
    """File in PEM of the authorities to trust; None: the system's."""
    insecure: bool = False
    """Whether certificates are not checked."""
    sni: str | None = None
    """The name to ask the server for, and the certificate must be for; None: the target's."""
    cert: str | None = None
    """File in PEM of the client's certificate and those above it."""
    key: str | None = None
    """File in PEM of its key; None: the same file."""
    key_password_file: str | None = None
    """File whose first line opens the key."""
    tls_min: TlsVersion | None = None
    tls_max: TlsVersion | None = None
    ciphers: str | None = None
    """As OpenSSL writes them, suites of TLS 1.3 by their names among them."""
    alpn: str | None = None
    """Protocols to offer, with commas between them."""
    tls_resume: Resumption = "off"
    """Whether users resume the session of an earlier connection: none, all, every other user."""

    @field_validator("ca", "cert", "key", "key_password_file")
    @classmethod
    def _is_a_path(cls, path: str | None) -> str | None:
        if path is not None and (not path.strip() or "\0" in path):
            raise UnitError(f"{shorten(path)} is no file; write the path of one")
        return path

    @field_validator("tls_min", "tls_max", mode="before")
    @classmethod
    def _is_a_version(cls, version: object) -> object:
        if version not in (None, "1.0", "1.1", "1.2", "1.3"):
            raise UnitError(f"{shorten(version)} is no TLS version; write 1.2 or 1.3")
        return version

    @field_validator("tls_resume", mode="before")
    @classmethod
    def _is_a_resumption(cls, resume: object) -> object:
        if resume not in ("off", "on", "both"):
            raise UnitError(f"{shorten(resume)} is none of off, on, both")
        return resume

    @field_validator("sni")
    @classmethod
    def _is_a_name(cls, name: str | None) -> str | None:
        if name is not None and (len(name) > _MAX_NAME or not _HOST_NAME.fullmatch(name)):
            raise UnitError(f"{shorten(name)} is no host name; write one such as chat.example")
        return name

    @field_validator("ciphers")
    @classmethod
    def _are_ciphers(cls, ciphers: str | None) -> str | None:
        if ciphers is not None and not _CIPHERS.fullmatch(ciphers):
            raise UnitError(
                f"{shorten(ciphers)} is no list of ciphers; write for example "
                "ECDHE+AESGCM or TLS_AES_128_GCM_SHA256"
            )
        return ciphers

    @field_validator("alpn")
    @classmethod
    def _are_protocols(cls, alpn: str | None) -> str | None:
        for name in () if alpn is None else alpn.split(","):
            if not (0 < len(name) <= _MAX_PROTOCOL and name.isascii() and name.isprintable()):
                raise UnitError(f"{shorten(alpn)}: write names with commas, such as http/1.1")
        return alpn

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.insecure and self.ca is not None:
            raise UnitError(
                "--insecure checks no certificate, and --ca says whom to trust; leave one out"
            )
        if self.key is not None and self.cert is None:
            raise UnitError("--key is the key of a certificate; give that with --cert FILE")
        if self.key_password_file is not None and self.cert is None:
            raise UnitError("--key-password-file opens a key; give --cert FILE and --key FILE")
        if self.tls_min is not None and self.tls_max is not None and self.tls_min > self.tls_max:
            raise UnitError(f"--tls-min {self.tls_min} is above --tls-max {self.tls_max}")
        return self

    @property
    def protocols(self) -> tuple[bytes, ...]:
        """The protocols to offer."""
        return () if self.alpn is None else tuple(n.encode() for n in self.alpn.split(","))

    @property
    def suites(self) -> str | None:
        """The suites of TLS 1.3 among the ciphers, as OpenSSL takes them."""
        return self._chosen(of_1_3=True)

    @property
    def older_ciphers(self) -> str | None:
        """The other ciphers, as OpenSSL takes them."""
        return self._chosen(of_1_3=False)

    def _chosen(self, *, of_1_3: bool) -> str | None:
        names = re.split(r"[:, ]+", self.ciphers or "")
        chosen = [n for n in names if n and n.startswith(_SUITE_PREFIX) == of_1_3]
        return ":".join(chosen) or None

    def elsewhere(self) -> Self:
        """Return what holds for another server, to which this one redirects: no credentials."""
        theirs = ("sni", "cert", "key", "key_password_file")
        return self.model_copy(update=dict.fromkeys(theirs))

    def resumes(self, user: int) -> bool:
        """Tell whether a user resumes a session where there is one."""
        return self.tls_resume == "on" or (self.tls_resume == "both" and user % 2 == 1)
