from typing import final

from surgewire._core.ledger import Ledger
from surgewire._core.rooms import Rooms
from surgewire._core.trace import Trace

@final
class Memberships:
    def __init__(
        self,
        ledger: Ledger,
        rooms: Rooms,
        trace: Trace | None,
        *,
        run: int,
        worker: int,
        to_others: bool,
        deadline_ns: int,
    ) -> None: ...
