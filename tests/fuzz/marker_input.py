"""One input of the marker fuzzer: any bytes, in which both sides look for markers."""

from surgewire._core.marker import LENGTH, encode, find_all
from tests.fuzz import marker_oracle


def run_input(data: bytes) -> None:
    """Find the markers and compare with the oracle; raises AssertionError where they differ."""
    found = find_all(data)
    assert found == marker_oracle.find_all(data)
    for offset, marker in found:
        # A copy that ends where the input ends, so that a sanitizer sees reads beyond it.
        assert find_all(bytearray(data[offset:]))[0] == (0, marker)
        if marker is not None:
            assert encode(*marker) == data[offset : offset + LENGTH]
