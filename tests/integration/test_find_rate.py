"""The search for the highest rate, against a server whose rate is known."""

import json
from pathlib import Path

import jsonschema
import pytest

import surgewire
from surgewire.engine import find_rate as engine
from surgewire.results.rate_search import Ending, Outcome
from tests.integration.conftest import Farm
from tests.integration.handshakes import LIMIT_PER_S

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/find.schema.json").read_text("utf-8"))


def test_the_rate_of_a_server_is_found(
    farm: Farm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SETTLE_S", 0.05)
    port = farm.open("limited")
    plan = surgewire.FindPlan.of(
        url=f"ws://127.0.0.1:{port}/", connect_rate="120/s..2000/s", step="1500ms", processes=1
    ).model_copy(update={"within_ppm": 500_000})
    told = []
    found = surgewire.find_rate(plan, runs_dir=tmp_path, told=told.append)
    farm.close(port)
    end = found.conclusion
    assert (end.ending, end.failed_by) == (Ending.FOUND, Outcome.BROKE), found.steps
    assert end.held is not None
    assert end.failed is not None
    assert 0.6 * LIMIT_PER_S <= end.held <= LIMIT_PER_S < end.failed <= 1.2 * LIMIT_PER_S
    assert told == list(found.steps)
    assert found.why is not None
    folder = tmp_path / found.id
    written = json.loads((folder / "find.json").read_text("utf-8"))
    jsonschema.validate(written, SCHEMA)
    assert written == found.to_dict()
    runs = {path.name for path in folder.iterdir() if path.is_dir()}
    assert runs == {step.run for step in found.steps}


def test_a_server_that_is_not_there_ends_the_search(tmp_path: Path) -> None:
    plan = surgewire.FindPlan.of(url="ws://127.0.0.1:1/", step="100ms", processes=1)
    with pytest.raises(engine.UnreachableError) as caught:
        surgewire.find_rate(plan, runs_dir=tmp_path)
    assert caught.value.result.connections.errors == {"tcp_refused": 5}
