from collections.abc import Iterable

INLET_BYTES: int

class TlsSetupError(ValueError):
    what: str
    reason: str
    def __init__(self, what: str, reason: str) -> None: ...

class TlsContext:
    def __init__(
        self,
        *,
        verify: bool = True,
        ca: str | None = None,
        cert: str | None = None,
        key: str | None = None,
        password: bytes | None = None,
        least: int = 0,
        most: int = 0,
        ciphers: str | None = None,
        suites: str | None = None,
        alpn: Iterable[bytes] = (),
        keep_sessions: bool = False,
    ) -> None: ...
    @property
    def has_session(self) -> bool: ...
