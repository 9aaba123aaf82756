"""What memory compressed messages take: a bomb, idle connections, and the ends of all paths."""

import os
import resource
import sys
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from surgewire._core.build_info import PROFILE
from surgewire._core.connection import Connection
from surgewire._core.deflate import Compressor, Terms
from surgewire._core.frame import BINARY, Decoder, Event, encode
from tests.core.wire import BUFFER, Owner, Passed, Transport, feed

ALONE = Terms(sends_takeover=False, receives_takeover=False)
MIB = 1 << 20

pytestmark = [
    pytest.mark.skipif(PROFILE == "sanitize", reason="AddressSanitizer keeps freed memory"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc"),
]


def compressed(payload: bytes, *, fin: bool = True) -> bytes:
    frame = encode(BINARY, payload, fin)
    return bytes([frame[0] | 0x40]) + frame[1:]


@cache
def bomb(size: int) -> bytes:
    """Zeros, a thousandth of their size."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(packer.compress(bytes(MIB)) for _ in range(size // MIB))
    return compressed(data + packer.flush(zlib.Z_SYNC_FLUSH).removesuffix(b"\0\0\xff\xff"))


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def most_resident_bytes() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def in_a_child(check: Callable[[], bool]) -> bool:
    """Fork, so that the greatest memory of the process is that of the check."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("terms", [Terms(), ALONE], ids=["takeover", "no takeover"])
def test_a_bomb_is_refused_at_the_limit_without_memory(terms: Terms) -> None:
    """128 MiB in 130 kB, over the whole way from the socket's buffer."""
    stream = bomb(128 * MIB)
    limit = 2 * MIB

    def check() -> bool:
        transport, owner = Transport(), Owner()
        connection = Connection(BUFFER, owner, Passed(terms), max_message_bytes=limit)
        connection.connection_made(transport)
        feed(connection, b"okay")
        assert transport.sent() == b"ask?"
        # The greatest so far becomes what there is now.
        Path("/proc/self/clear_refs").write_text("5")
        before = most_resident_bytes()
        for at in range(0, len(stream), 32_768):
            feed(connection, stream[at : at + 32_768])
        grown = most_resident_bytes() - before
        frames = Decoder("server").feed(transport.sent())
        assert owner.told == ["opened", ("closed", "protocol_message_limit")]
        assert [(event.kind, event.close_code) for event in frames] == [("close", 1009)]
        # The message up to its limit, in a buffer that doubles, and the decompressor.
        return grown < 2 * limit + MIB

    assert in_a_child(check)


def test_a_bomb_in_one_read_is_given_up_soon() -> None:
    decoder = Decoder("client", deflate=Terms(), max_message=100_000)
    small = bomb(4 * MIB)
    assert decoder.feed(small) == [Event("error", 0, b"", 1009, "message_limit")]
    assert decoder.buffer_bytes == 0


def test_connections_without_takeover_keep_no_memory_between_messages() -> None:
    data = compressed(Compressor(ALONE).compress(b"some words" * 100))
    decoders = [Decoder("client", deflate=ALONE) for _ in range(500)]
    for decoder in decoders[:10]:
        assert len(decoder.feed(data)) == 1
    before = resident_bytes()
    for decoder in decoders:
        assert len(decoder.feed(data)) == 1
    # Streams of their own would be 500 times 7 kB at least.
    assert resident_bytes() - before < MIB


def test_streams_are_made_with_the_first_message() -> None:
    before = resident_bytes()
    decoders = [Decoder("client", deflate=Terms()) for _ in range(500)]
    packers = [Compressor(Terms()) for _ in range(500)]
    assert resident_bytes() - before < MIB
    del decoders, packers


@pytest.mark.parametrize("terms", [Terms(), ALONE], ids=["takeover", "no takeover"])
@pytest.mark.parametrize(
    "rest",
    [b"", b"\x80\x00", b"\x80\x01\x07", b"\x88\x00", b"\x00\x7f" + b"\x7f" * 8],
    ids=["abandoned", "complete", "error", "close", "limit"],
)
def test_no_path_leaks_a_stream_or_a_buffer(terms: Terms, rest: bytes) -> None:
    packer = Compressor(terms)
    part = compressed(packer.compress(bytes(range(256)) * 200), fin=False)

    def once() -> None:
        Decoder("client", deflate=terms).feed(part + rest)
        Compressor(terms).compress(b"x")

    for _ in range(20):
        once()
    before = resident_bytes()
    for _ in range(300):
        once()
    # Each decompressor with its window takes 40 kB, each compressor 150 kB.
    assert resident_bytes() - before < 4 * MIB
