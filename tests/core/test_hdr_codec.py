"""The V2 compressed encoding: to and from PyPI's hdrhistogram, and damaged."""

import base64
import contextlib
import struct
import zlib

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from surgewire._core import hdr_codec as codec
from surgewire._core.histogram import Histogram, index_of
from tests.core.histogram_oracle import TOP_NS, edges, oracle, ours, same, samples


def payload_of(text) -> bytes:
    return zlib.decompress(base64.b64decode(text)[8:])


def pack(payload: bytes, cookie: int = 0x1C849314, extra: bytes = b"", length: int = 0) -> str:
    packed = zlib.compress(payload) + extra
    outer = struct.pack(">II", cookie, length or len(packed))
    return base64.b64encode(outer + packed).decode()


def header(body=b"", cookie=0x1C849313, offset=0, digits=3, lowest=1000, ratio=1.0, length=None):
    size = len(body) if length is None else length
    highest = codec.HIGHEST_TRACKABLE_NS
    return struct.pack(">IIIIQQd", cookie, size, offset, digits, lowest, highest, ratio) + body


def assert_refused_or_sound(text) -> None:
    with contextlib.suppress(ValueError):
        decoded = Histogram.decode(text)
        assert decoded.counts.min() >= 0
        assert decoded.count == decoded.counts.sum(dtype=np.int64)


class TestAgainstOracle:
    @settings(max_examples=60, deadline=None)
    @given(samples)
    def test_ours_decoded_by_the_oracle(self, values):
        decoded = HdrHistogram.decode(ours(values).encode())
        assert list(decoded.counts) == list(oracle(values).counts)
        assert decoded.get_total_count() == len(values)

    @settings(max_examples=60, deadline=None)
    @given(samples)
    def test_the_oracles_decoded_by_us(self, values):
        decoded = Histogram.decode(oracle(values).encode())
        assert np.array_equal(decoded.counts, ours(values).counts)
        assert decoded.count == len(values)

    def test_large_counts_survive_in_both_directions(self):
        values = {1_000: 2**57 + 3, 2_000_000: 2**35 + 7, 5_000_000_000: 127, TOP_NS: 128}
        reference = oracle([])
        histogram = Histogram()
        for value, count in values.items():
            reference.record_value(value, count)
            histogram.counts[index_of(value)] = count
        assert list(HdrHistogram.decode(histogram.encode()).counts) == list(reference.counts)
        decoded = Histogram.decode(reference.encode())
        assert np.array_equal(decoded.counts, histogram.counts)
        assert decoded.count == sum(values.values())


class TestEncoding:
    def test_payload_as_the_format_lays_it_out(self):
        values = [512 * 3, 512 * 5, 512 * 5, 512 * 300]
        assert payload_of(ours(values).encode()) == header(
            # three zeros, 1, one zero, 2, 294 zeros as -294, 1
            bytes([0x05, 0x02, 0x00, 0x04, 0xCB, 0x04, 0x02])
        )

    def test_decoded_extremes_and_sum_follow_from_the_buckets(self):
        values = [1_500, 3_000_000, 7_000_000_000]
        decoded, reference = Histogram.decode(ours(values).encode()), oracle(values)
        assert decoded.min == reference.get_min_value()
        assert decoded.max == reference.get_max_value()
        assert decoded.mean == reference.get_mean_value()

    def test_encoding_again_changes_nothing(self):
        text = ours(edges()).encode()
        assert Histogram.decode(text).encode() == text

    @pytest.mark.parametrize(
        "count", [2**n + d for n in range(1, 63) for d in (-1, 0)] + [2**63 - 1]
    )
    def test_counts_of_any_size(self, count):
        histogram = Histogram()
        histogram.counts[2_000] = count
        assert Histogram.decode(histogram.encode()).counts[2_000] == count

    def test_takes_bytes_as_well_as_text(self):
        text = ours([1]).encode()
        assert same(Histogram.decode(text.encode()), Histogram.decode(text))

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            ("", "too few for its header"),
            ("HIST!", "no base64"),
            ("HISTé", "no base64"),
            ("AAAA", "too few for its header"),
            (pack(header(), cookie=0x1C849303), "0x1c849303 is not that of compressed V2"),
            (pack(header(), length=5), "where 5 are announced"),
            (pack(header(), extra=b"x"), "cut off or too long"),
            (base64.b64encode(struct.pack(">II", 0x1C849314, 3) + b"abc"), "decompressed"),
            (pack(bytes(2**20)), "more than 221224 bytes"),
            (pack(b"short"), "too few"),
            (pack(header(cookie=0x1C849301)), "payload cookie"),
            (pack(header(b"\x02", length=9)), "where 9 are announced"),
            (pack(header(digits=2)), "another layout"),
            (pack(header(lowest=1)), "another layout"),
            (pack(header(lowest=1024)), "another layout"),
            (pack(header(offset=1)), "another layout"),
            (pack(header(ratio=2.0)), "another layout"),
            (pack(header(b"\x82")), "cut off"),
            (pack(header(b"\xff" * 8)), "cut off"),
            (pack(header(b"\xff" * 9)), "more than 24576 counters"),
            (pack(header(b"\xff\xff\x02\x02")), "more than 24576 counters"),
            (pack(header(b"\xff\xff\x02\x01\x01")), "more than 24576 counters"),
            (pack(header((b"\xfe" + b"\xff" * 8) * 2)), "add up to more"),
        ],
    )
    def test_damaged_input(self, text, match):
        with pytest.raises(ValueError, match=match):
            Histogram.decode(text)

    def test_zeros_up_to_the_last_counter_are_fine(self):
        assert Histogram.decode(pack(header(b"\xff\xff\x02"))).count == 0

    @settings(max_examples=150, deadline=None)
    @given(st.data())
    def test_any_damage_gives_a_value_error_or_a_histogram(self, data):
        text = bytearray(base64.b64decode(ours([1_000, 2_000_000, 2_000_000, TOP_NS]).encode()))
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] ^= data.draw(st.integers(1, 255))
        cut = data.draw(st.integers(0, len(text)))
        assert_refused_or_sound(base64.b64encode(text[:cut]))

    @settings(max_examples=150, deadline=None)
    @given(st.binary(max_size=60))
    def test_any_counters_give_a_value_error_or_a_histogram(self, body):
        assert_refused_or_sound(pack(header(body)))
