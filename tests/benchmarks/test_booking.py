"""The native loop that books deliveries without sockets counts what it should."""

from pathlib import Path

import pytest
from harness import booking
from harness.server import BenchmarkError


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory):
    return booking.build_booking(tmp_path_factory.mktemp("booking"))


@pytest.mark.parametrize("workers", [1, 3])
def test_every_delivery_is_booked_once(native, workers: int) -> None:
    books = booking.Books(native, booking.Crowd(memberships=60, rooms=4, workers=workers))
    assert books.bits == (64 if workers > 1 else 128)
    assert books.delivery_ns(200, 0) > 0
    assert books.delivery_ns(100, 4096) > 0
    assert books.native.seen > 0
    assert books.count("delivered") == books.counts.sum() == 300 * 15
    latency, service, *fanout = (int(histogram[0]) for histogram in books.histograms)
    assert latency == service == 300 * 15
    assert fanout == [300, 300, 300]


def test_a_loop_that_does_not_build_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "booking.pyx"
    broken.write_text("cdef int x = nothing.at.all\n")
    monkeypatch.setattr(booking, "SOURCE", broken)
    with pytest.raises(BenchmarkError, match=r"booking\.pyx does not build"):
        booking.build_booking(tmp_path)
