from typing import NamedTuple

LENGTH: int

class Marker(NamedTuple):
    run: int
    room: int
    worker: int
    sequence: int
    planned_ns: int
    send_lag_ns: int

def encode(
    run: int, room: int, worker: int, sequence: int, planned_ns: int, send_lag_ns: int
) -> bytes: ...
def find_all(data: bytes | bytearray | memoryview) -> list[tuple[int, Marker | None]]: ...
