"""Ctrl-C before, while and after a run is reported."""

import signal

import pytest

from surgewire.cli import interrupts


def test_a_run_gets_what_it_asks_for_and_the_report_is_not_lost() -> None:
    before = signal.getsignal(signal.SIGINT)
    taken = []
    with interrupts.left_to_the_run():
        # As a run does: it takes the signals for its time, then puts back what was there.
        outside = signal.signal(signal.SIGINT, lambda number, _: taken.append(number))
        signal.raise_signal(signal.SIGINT)
        signal.signal(signal.SIGINT, outside)
        # The report is being written.
        signal.raise_signal(signal.SIGINT)
    assert taken == [signal.SIGINT]
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_means_what_it_did_when_the_report_is_out() -> None:
    with interrupts.left_to_the_run():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_nothing_interrupts_the_end_of_a_process() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        interrupts.done_with()
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
