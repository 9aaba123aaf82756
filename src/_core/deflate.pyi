from typing import NamedTuple, final

class Terms(NamedTuple):
    sends_bits: int = 15
    sends_takeover: bool = True
    receives_bits: int = 15
    receives_takeover: bool = True
    level: int = 6

@final
class Compressor:
    def __init__(self, terms: Terms) -> None: ...
    def compress(self, payload: bytes) -> bytes: ...
