"""The Python peers do the same job as the bare C client and print the same report."""

import json
import subprocess
import sys

import job
import numpy as np
import pytest

PEERS = {"websockets": "websockets", "aiohttp": "aiohttp", "picows": "picows"}


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("mode", ["paced", "pingpong", "connect"])
def test_the_server_agrees_with_the_report(start_server, stop_server, benchmarks, peer, mode):
    pytest.importorskip(PEERS[peer])
    process, port = start_server()
    argv = [sys.executable, "-W", "error", str(benchmarks / "peers" / f"{peer}_client.py")]
    options = ["--connections", "5", "--rate", "20", "--seconds", "0.4", "--mode", mode]
    done = subprocess.run(
        [*argv, "--port", str(port), *options], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    load = json.loads(stop_server(process))["load"]
    assert said["established"] == load["upgraded"] == load["ended_clean"] == 5
    assert said["sent"] == said["delivered"] == load["messages"]
    assert said["sent"] == {"paced": 40, "connect": 0}.get(mode, said["sent"])
    assert (mode == "connect") == (said["sent"] == 0)
    assert said["unexpected"] == load["errors"] == 0


def test_histogram_quantiles_are_within_a_cell():
    values = np.random.default_rng(5).lognormal(12, 2, 5000).astype(np.int64)
    histogram = job.Histogram()
    for value in values:
        histogram.record(int(value))
    for share in (0.5, 0.9, 0.99):
        exact = np.quantile(values, share, method="inverted_cdf") / 1e6
        assert histogram.quantile_ms(share) == pytest.approx(exact, rel=1 / 1024, abs=1e-6)
    assert job.Histogram().to_dict()["p50"] is None
