"""The lines of the text report on how users got to the target."""

import dataclasses

import pytest

from surgewire.report.text import format_report
from tests.results.samples import echo_run, tally_of


def report_with(facts: dict[str, int]) -> list[str]:
    result = dataclasses.replace(tally_of(echo_run()).result(), facts=facts)
    return format_report(result).splitlines()


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({"tls_resumed": 500, "tls_version_tlsv1.3": 1_000}, "TLS          resumed 500   version"),
        ({"source_127.0.0.2": 1_200}, "Sources      127.0.0.2 1,200"),
        ({"address_::1": 5, "address_127.0.0.1": 4}, "Addresses    ::1 5   127.0.0.1 4"),
        ({f"source_10.0.0.{n}": 2 for n in range(9)}, "3 more 6"),
    ],
)
def test_what_was_counted_is_told_on_the_line_of_its_topic(
    facts: dict[str, int], line: str
) -> None:
    assert any(line in shown for shown in report_with(facts))


def test_one_address_is_no_news() -> None:
    assert not any("Addresses" in line for line in report_with({"address_127.0.0.1": 9}))
