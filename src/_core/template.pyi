from typing import final

@final
class Template:
    @property
    def before(self) -> bytes: ...
    @property
    def after(self) -> bytes: ...
    @property
    def size_bytes(self) -> int: ...
    def __init__(self, before: bytes, after: bytes) -> None: ...
    def frame(
        self,
        run: int,
        room: int,
        worker: int,
        sequence: int,
        planned_ns: int,
        send_lag_ns: int,
    ) -> bytes: ...
