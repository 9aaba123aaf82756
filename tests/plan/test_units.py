import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surgewire.plan.units import (
    PPM,
    Rate,
    UnitError,
    format_duration,
    format_rate,
    format_share,
    format_size,
    parse_count,
    parse_duration,
    parse_rate,
    parse_rate_range,
    parse_share,
    parse_share_rate,
    parse_size,
)

S = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1ns", 1),
        ("1us", 1_000),
        ("1µs", 1_000),
        ("250ms", 250_000_000),
        ("10s", 10 * S),
        (" 10s ", 10 * S),
        ("0.5ms", 500_000),
        ("1.5h", 5400 * S),
        ("1m30s", 90 * S),
        ("1d2h3m4s5ms6us7ns", 93_784_005_006_007),
        ("1_000ms", S),
        ("0", 0),
        ("0s", 0),
    ],
)
def test_durations_are_read_exactly(text: str, ns: int) -> None:
    assert parse_duration(text) == ns


@pytest.mark.parametrize(
    "text",
    ["", " ", "s", "-5s", "nan", "inf", "1e30s", "5", "5 s", "5x", "5S", "30s1m", "5s5s", "1.s",
     ".5s", "0.1ns", "1__0s", "٣s", "5s\nfoo", "9" * 5000 + "s"],
)  # fmt: skip
def test_what_is_no_duration_is_refused_in_one_line_with_a_right_one(text: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_duration(text)
    message = str(caught.value)
    assert "write" in message
    assert "\n" not in message
    assert len(message) < 160


def test_a_number_without_unit_is_told_which_units_there_are() -> None:
    with pytest.raises(UnitError, match=r"'60' has no unit; write 60s for seconds or 60ms"):
        parse_duration("60")


@pytest.mark.parametrize(
    ("text", "count", "per_ns"),
    [
        ("1/s", 1, S),
        ("500/s", 1, 2_000_000),
        ("0.2/s", 1, 5 * S),
        ("30/m", 1, 2 * S),
        ("1/5s", 1, 5 * S),
        ("2/ms", 1, 500_000),
        ("1/h", 1, 3600 * S),
        ("1/1m30s", 1, 90 * S),
        ("3/s", 3, S),
    ],
)
def test_rates_are_exact_and_in_lowest_terms(text: str, count: int, per_ns: int) -> None:
    assert parse_rate(text) == Rate(count, per_ns)
    assert (parse_rate(text).count, parse_rate(text).per_ns) == (count, per_ns)


@pytest.mark.parametrize(
    "text", ["", "5", "/s", "5/", "0/s", "-1/s", "1/0s", "nan/s", "1/x", "1/5", "5//s", "1e9/s"]
)
def test_what_is_no_rate_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(UnitError, match="write"):
        parse_rate(text)


def test_a_rate_holds_positive_whole_numbers_only() -> None:
    for count, per_ns in ((0, 1), (1, 0), (-1, 1), (1.5, 1), (True, 1)):
        with pytest.raises(UnitError):
            Rate(count, per_ns)  # type: ignore[arg-type]


def test_climbing_rates() -> None:
    assert parse_rate_range("500/s") == (Rate(500, S), None)
    assert parse_rate_range("100/s..500/s") == (Rate(100, S), Rate(500, S))
    assert parse_rate_range("100..500/s") == (Rate(100, S), Rate(500, S))
    for text in ("..", "100/s..", "..5/s", "1/s..2/s..3/s", "1..2"):
        with pytest.raises(UnitError):
            parse_rate_range(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("64", 64), ("64k", 65536), ("64K", 65536), ("64kb", 65536), ("16MiB", 16 << 20),
     ("1.5k", 1536), ("1g", 1 << 30), ("64b", 64)],
)  # fmt: skip
def test_sizes_are_read_in_steps_of_1024(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1.3", "1t", "64 k", "nan", "1e3"])
def test_what_is_no_size_is_refused_with_a_right_one(text: str) -> None:
    with pytest.raises(UnitError, match="write"):
        parse_size(text)


def test_counts() -> None:
    assert parse_count("10_000") == 10_000
    for text in ("", "1.5", "1e3", "ten", "-1", "1,000"):
        with pytest.raises(UnitError, match="whole number"):
            parse_count(text)


def test_shares() -> None:
    assert [parse_share(text) for text in ("0%", "10%", "0.5 %", "0.0001%", "100%")] == [
        0, 100_000, 5_000, 1, PPM,
    ]  # fmt: skip
    for text in ("", "10", "%", "-1%", "101%", "0.00001%", "1e1%", "nan%", "10%%", "ten%"):
        with pytest.raises(UnitError, match="write"):
            parse_share(text)


def test_shares_per_time() -> None:
    assert parse_share_rate("5%/min") == (50_000, 60 * S)
    assert parse_share_rate("5%/m") == (50_000, 60 * S)
    assert parse_share_rate("0.1%/s") == (1_000, S)
    assert parse_share_rate("100%/h") == (PPM, 3600 * S)
    for text in ("", "5%", "5/min", "5%/", "5%/week", "/min", "-5%/min", "200%/min", "5%/2min"):
        with pytest.raises(UnitError, match="write"):
            parse_share_rate(text)


@given(st.integers(0, PPM))
def test_a_share_comes_back_from_its_text(ppm: int) -> None:
    assert parse_share(format_share(ppm)) == ppm


@given(st.integers(0, 10**18))
def test_a_duration_comes_back_from_its_text(ns: int) -> None:
    assert parse_duration(format_duration(ns)) == ns


@given(st.integers(1, 10**7), st.integers(1, 10**15))
def test_a_rate_comes_back_from_its_text(count: int, per_ns: int) -> None:
    rate = Rate(count, per_ns)
    assert parse_rate(format_rate(rate)) == rate


@given(st.integers(0, 10**12))
def test_a_size_comes_back_from_its_text(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.text(max_size=12) | st.from_regex(r"[0-9.]{1,6}(ms|s|m|k|/s|/m)?", fullmatch=True))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (
        parse_duration, parse_rate, parse_size, parse_count, parse_rate_range, parse_share,
        parse_share_rate,
    ):  # fmt: skip
        with contextlib.suppress(UnitError):
            parse(text)


def test_texts_are_short() -> None:
    assert format_duration(0) == "0s"
    assert format_duration(90 * S) == "1m30s"
    assert format_duration(1_500_000_000) == "1.5s"
    assert format_duration(2_000_001) == "2.000001ms"
    assert format_rate(Rate(1, S)) == "1/s"
    assert format_rate(Rate(1, 5 * S)) == "0.2/s"
    assert format_rate(Rate(1, 60 * S)) == "1/m"
    assert format_rate(Rate(1, 7 * S)) == "1/7s"
    assert format_size(65536) == "64k"
    assert format_size(100) == "100"
    assert str(Rate(500, S)) == "500/s"
    assert Rate(500, S).per_s == 500.0


def test_negative_values_have_no_text() -> None:
    with pytest.raises(ValueError, match="negative"):
        format_duration(-1)
    with pytest.raises(ValueError, match="negative"):
        format_size(-1)
