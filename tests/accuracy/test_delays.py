"""Delays that a server injects and records are reported as they were."""

from pathlib import Path

import pytest

from tests.accuracy.comparison import Proof, check_messages, percentile_rows, prove
from tests.accuracy.effort import FULL, TIMEOUT_S, Load
from tests.accuracy.generator import generate
from tests.accuracy.page import Page, comparison, conditions
from tests.accuracy.targets import embedded, independent
from tests.accuracy.truth import read_truth

pytestmark = [pytest.mark.accuracy, pytest.mark.timeout(TIMEOUT_S)]

DELAYS = ("fixed:2ms", "mix:1ms@99,50ms@1", "exponential:5ms")
# The 99th of a hundred is the last short delay or the first long one of the mixture: single
# messages decide which. With this seed clearly more than one in a hundred is long.
SEED = "18"
LOAD = Load(50, 40, 30 if FULL else 2)
TWO_WORKERS = Load(50, 40, 30 if FULL else 2, processes=2)
RANDOM = Load(50, 40, 30 if FULL else 2, poisson=True)
HEAVY = Load(1000, 60, 10)


@pytest.mark.parametrize("delay", DELAYS)
def test_against_the_record_of_our_target(delay: str, tmp_path: Path, page: Page) -> None:
    load = TWO_WORKERS if delay.startswith("mix") else LOAD
    proof = prove(lambda favoured: against_ours(delay, load, tmp_path, favoured))
    page.add("delays", f"**{delay}**: {conditions(load, proof)}", comparison(proof.rows))


@pytest.mark.parametrize("delay", DELAYS if FULL else DELAYS[-1:])
def test_against_a_server_with_nothing_of_ours(delay: str, tmp_path: Path, page: Page) -> None:
    load = RANDOM if delay.startswith("exponential") else LOAD

    def attempt(favoured: bool) -> Proof:
        with independent(tmp_path, delay) as target:
            run = generate(target, tmp_path, load.options, favoured=favoured)
        truth = read_truth(target.truth)
        check_messages(run, truth, load.connections)
        return Proof(run, percentile_rows(run.metric("message_latency"), truth.latency_ns))

    proof = prove(attempt)
    page.add("independent", f"**{delay}**: {conditions(load, proof)}", comparison(proof.rows))


@pytest.mark.skipif(not FULL, reason="needs a core of its own: make accuracy")
@pytest.mark.parametrize("delay", [DELAYS[0], DELAYS[-1]])
def test_under_a_heavy_load(delay: str, tmp_path: Path, page: Page) -> None:
    proof = prove(lambda favoured: against_ours(delay, HEAVY, tmp_path, favoured))
    page.add("heavy", f"**{delay}**: {conditions(HEAVY, proof)}", comparison(proof.rows))


def against_ours(delay: str, load: Load, folder: Path, favoured: bool) -> Proof:
    with embedded(folder, "--delay-distribution", delay, "--seed", SEED) as target:
        run = generate(target, folder, load.options, favoured=favoured)
    truth = read_truth(target.truth)
    check_messages(run, truth, load.connections)
    return Proof(run, percentile_rows(run.metric("message_latency"), truth.latency_ns))
