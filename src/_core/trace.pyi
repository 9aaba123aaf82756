from os import PathLike
from typing import final

HEADER: str

@final
class Trace:
    @property
    def error(self) -> str | None: ...
    def __init__(self, path: str | PathLike[str]) -> None: ...
    def close(self) -> None: ...
    def write_note(self, instant_ns: int, event: bytes, user: int, room: int) -> None: ...
    def write_line(
        self,
        instant_ns: int,
        event: bytes,
        user: int,
        room: int,
        worker: int,
        sequence: int,
        planned_ns: int,
        detail: bytes = b"",
    ) -> None: ...
