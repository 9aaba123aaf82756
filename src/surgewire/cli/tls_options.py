"""How wss connections are secured and whom they trust."""

from typing import Annotated, ClassVar

import typer

from surgewire.cli.groups import OptionGroup


class TlsOptions(OptionGroup):
    """How wss connections are secured and whom they trust."""

    PART: ClassVar[str | None] = "tls"
    TITLE: ClassVar[str | None] = "TLS"

    ca: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Authorities to trust, in PEM. Default: the system's."),
    ] = None
    insecure: Annotated[
        bool,
        typer.Option("--insecure", help="Check no certificate. The report says so."),
    ] = False
    sni: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name to ask the server for, which the certificate must be for. "
            "Default: the URL's.",
        ),
    ] = None
    cert: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The client's certificate and its chain, in PEM."),
    ] = None
    key: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Its key, in PEM. Default: in the same file."),
    ] = None
    key_password_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File whose first line opens an encrypted key."),
    ] = None
    tls_min: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Lowest TLS version: 1.0, 1.1, 1.2 or 1.3."),
    ] = None
    tls_max: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Highest TLS version: 1.0, 1.1, 1.2 or 1.3."),
    ] = None
    ciphers: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Ciphers to offer, as OpenSSL writes them."),
    ] = None
    alpn: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Protocols to offer by ALPN, with commas."),
    ] = None
    tls_resume: Annotated[
        str | None,
        typer.Option(
            metavar="off|on|both",
            help="Resume the session of an earlier connection; both: every other user does, "
            "and the report shows the two side by side. Default: off.",
        ),
    ] = None
