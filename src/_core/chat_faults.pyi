class ChatFaults:
    active: bool
    def __init__(
        self,
        seed: int = 1,
        *,
        drop_ppm: int = 0,
        duplicate_ppm: int = 0,
        reorder_ppm: int = 0,
        damage_ppm: int = 0,
    ) -> None: ...
    def fates(self, receiver: int, message: int) -> set[str]: ...
    def damaged(self, receiver: int, message: int, marker: bytes) -> bytes: ...
