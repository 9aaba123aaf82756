"""How an input of the frame fuzzer is read: a byte of settings, one of cuts, the stream."""

from surgewire._core.frame import DEFAULT_LIMIT
from tests.fuzz.frame_oracle import compare

PREFIX = 2
LIMITS = ((DEFAULT_LIMIT, DEFAULT_LIMIT), (1000, 2000), (130, 130), (5, 12))


def chunk_sizes(cuts: int) -> tuple[int, int]:
    """Two sizes that take turns; (0, 0) for one piece."""
    return cuts & 0x0F, cuts >> 4


def split(stream: bytes, cuts: int) -> list[bytes]:
    """The stream in the pieces that `cuts` asks for."""
    sizes = [size for size in chunk_sizes(cuts) if size]
    if not sizes:
        return [stream]
    chunks = []
    at = 0
    while at < len(stream):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(stream[at : at + size])
        at += size
    return chunks


def run_input(data: bytes) -> None:
    """Decode one input and compare with the oracle; raises AssertionError where they differ."""
    if len(data) < PREFIX:
        return
    role = "server" if data[0] & 1 else "client"
    max_frame, max_message = LIMITS[data[0] >> 1 & 3]
    stream = data[PREFIX:]
    events = compare(stream, split(stream, data[1]), role, max_frame, max_message)
    assert events == compare(stream, [stream], role, max_frame, max_message)
