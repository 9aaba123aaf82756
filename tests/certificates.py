"""Certificates for tests, as files: good ones and such as nobody should trust."""

import datetime
import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

HOSTS = ("127.0.0.1", "localhost")
_LONG_AGO = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """A certificate authority and what it issues, as files in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.root = folder / "root.pem"
        self._ca.cert_pem.write_to_path(str(self.root))

    def certificate(self, *names: str) -> Path:
        """Return a file with a certificate for `names` and its key."""
        return self._keep(self._ca.issue_cert(*names), names[0])

    def expired(self) -> Path:
        """Return the same for this host, of a certificate long past its time."""
        return self._keep(self._ca.issue_cert(*HOSTS, not_after=_LONG_AGO), "expired")

    def pair(self, name: str) -> tuple[Path, Path]:
        """Return a certificate and its key in files of their own."""
        issued = self._ca.issue_cert(name)
        cert, key = self._folder / f"{name}-cert.pem", self._folder / f"{name}-key.pem"
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        issued.private_key_pem.write_to_path(str(key))
        return cert, key

    def locked_pair(self, name: str, password: str) -> tuple[Path, Path]:
        """Return the same with a key that `password` opens."""
        cert, key = self.pair(name)
        plain = serialization.load_pem_private_key(key.read_bytes(), None)
        key.write_bytes(
            plain.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password.encode()),
            )
        )
        return cert, key

    def server_context(self, path: Path | None = None) -> ssl.SSLContext:
        """Return what a server takes that has the certificate of `path`."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path or self.certificate(*HOSTS))
        return context

    def _keep(self, issued: trustme.LeafCert, name: str) -> Path:
        path = self._folder / f"{name}.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(str(path))
        return path
