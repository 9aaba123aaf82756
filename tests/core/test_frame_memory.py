"""What memory the frame decoder takes, when it gives it back, and what it does without any."""

import os
import resource
import sys
from pathlib import Path

import pytest

from surgewire._core.build_info import PROFILE
from surgewire._core.frame import BINARY, Decoder, Event, encode


def test_memory_follows_what_has_arrived_and_not_what_was_declared() -> None:
    decoder = Decoder("client")
    decoder.feed(b"\x82\x7f" + (16 << 20).to_bytes(8, "big"))
    assert decoder.buffer_bytes == 0
    arrived = 0
    for size in (1, 600, 5000, 100_000, 1_000_000):
        assert decoder.feed(bytes(size)) == []
        arrived += size
        assert arrived <= decoder.buffer_bytes <= max(512, 2 * arrived)


def test_the_buffer_never_exceeds_what_the_message_can_need() -> None:
    decoder = Decoder("client")
    decoder.feed(b"\x82\x7e\x02\x80" + bytes(600))
    assert decoder.buffer_bytes <= 640
    limited = Decoder("client", max_message=700)
    limited.feed(b"\x02\x7e\x02\x58" + bytes(600))
    assert limited.buffer_bytes <= 700


@pytest.mark.parametrize(
    "rest", [b"a" * 50, b"a" * 49 + b"\xff"], ids=["complete", "after an error"]
)
def test_the_buffer_is_given_back(rest: bytes) -> None:
    decoder = Decoder("client")
    decoder.feed(b"\x81\x64" + b"a" * 50)
    assert decoder.buffer_bytes > 0
    assert len(decoder.feed(rest)) == 1
    assert decoder.buffer_bytes == 0


def test_a_frame_that_lies_whole_in_the_input_takes_no_buffer() -> None:
    decoder = Decoder("client")
    assert len(decoder.feed(b"\x82\x03abc" * 100 + b"\x82\x03")) == 100
    assert decoder.buffer_bytes == 0
    assert decoder.feed(b"abc\x82") == [Event("message", BINARY, b"abc", None, None)]
    assert decoder.buffer_bytes == 0


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.skipif(PROFILE == "sanitize", reason="AddressSanitizer keeps freed memory for a while")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
@pytest.mark.parametrize(
    "rest",
    [b"", b"\x80\x00", b"\xff", b"\x88\x00", b"\x00\x7f" + b"\x7f" * 8],
    ids=["abandoned", "complete", "error", "close", "limit"],
)
def test_no_path_leaks_the_buffer(rest: bytes) -> None:
    part = encode(BINARY, bytes(1 << 16), fin=False)
    Decoder("client").feed(part)
    before = resident_bytes()
    for _ in range(500):
        Decoder("client").feed(part + rest)
    # A leak would show as 32 MiB.
    assert resident_bytes() - before < 8 << 20


def grow_until_memory_ends() -> list[Event]:
    in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (in_use + (24 << 20), resource.RLIM_INFINITY))
    decoder = Decoder("client", max_frame=1 << 40, max_message=1 << 40)
    decoder.feed(b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))
    chunk = bytes(1 << 20)
    # Memory that the process has freed and kept serves before the limit does.
    for _ in range(1024):
        events = decoder.feed(chunk)
        if events:
            return events
    return []


@pytest.mark.skipif(PROFILE == "sanitize", reason="AddressSanitizer reserves terabytes")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc and RLIMIT_AS")
def test_without_memory_the_decoder_fails_and_says_so() -> None:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            expected = [Event("error", 0, b"", 1011, "memory")]
            code = 0 if grow_until_memory_ends() == expected else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
