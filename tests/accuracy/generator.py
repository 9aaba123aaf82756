"""Running the generator under test, and reading what it reports."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

from surgewire.engine.journal import read_journal
from surgewire.results.record import IntervalRecord
from tests.accuracy.machine import Disturbance, favour
from tests.accuracy.targets import Target

CPU_LIMIT_PERCENT = 70.0
_LOOK_EVERY_S = 0.1
_HIGHEST_NS = 3_600_000_000_000


@dataclass(frozen=True)
class Run:
    """What the generator reported of one run."""

    result: dict[str, Any]
    folder: Path
    disturbance: str | None
    """What the machine did to generator or target; None when it left them alone."""
    favoured: bool

    @property
    def delivery(self) -> dict[str, Any]:
        delivery: dict[str, Any] = self.result["delivery"]
        return delivery

    def metric(self, name: str) -> dict[str, Any]:
        metric: dict[str, Any] = self.result["metrics"][name]
        return metric

    @property
    def cpu_percent(self) -> float:
        """Of the busiest worker."""
        return float(max(self.result["generator"]["cpu_percent"]))

    def histogram(self, metric: str) -> HdrHistogram:
        """Read a metric from the exported log, with another implementation than ours."""
        log = self.folder / "log.hdr"
        if not log.exists():
            command = [sys.executable, "-m", "surgewire", "report", str(self.folder), "--hdr"]
            subprocess.run([*command, str(log)], check=True, stdout=subprocess.DEVNULL)
        whole = HdrHistogram(1_000, _HIGHEST_NS, 3)
        reader = HistogramLogReader(str(log), whole)
        try:
            while (part := reader.get_next_interval_histogram()) is not None:
                if part.get_tag() == metric:
                    whole.add(part)
        finally:
            reader.close()
        return whole

    def clipped(self, metric: str) -> int:
        """Count the values that were below zero, or beyond any use."""
        journal = read_journal(self.folder / "journal.bin")
        return sum(
            record.histograms[metric].clipped
            for record in journal.records
            if isinstance(record, IntervalRecord) and metric in record.histograms
        )


def generate(target: Target, folder: Path, options: Iterable[str], *, favoured: bool) -> Run:
    """Run `surgewire echo` against a target; what must hold of every run is checked here.

    favoured: let generator and target run before everything else, where that is allowed.
    """
    runs, report = folder / "runs", folder / "result.json"
    command = [
        sys.executable, "-m", "surgewire", "echo", target.url, *options,
        "--ramp", "200ms", "--drain", "3s", "--quiet",
        "--json", str(report), "--runs-dir", str(runs),
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        workers = _workers(process)
        favoured = favoured and favour((*workers, *target.pids))
        disturbance = Disturbance((*workers, *target.pids))
        while process.poll() is None:
            disturbance.look()
            time.sleep(_LOOK_EVERY_S)
    # 99: it took an answer out of order for a fault of the target, which it is.
    assert process.returncode in (0, 99), f"{command} ended with {process.returncode}"
    run_folder = max(runs.iterdir(), key=os.path.getmtime)
    run = Run(json.loads(report.read_text()), run_folder, disturbance.found(), favoured)
    check_account(run)
    return run


def check_account(run: Run) -> None:
    """Check that the account of messages is closed, as it must be for every run."""
    counts = run.delivery
    assert counts["sent"] > 0
    assert counts["undecided"] == 0
    booked = counts["delivered"] + counts["lost"] + counts["lost_to_disconnect"]
    assert counts["expected"] == booked, counts
    assert counts["sent"] == counts["expected"] + counts["in_flight_at_leave"], counts
    for metric in ("message_latency", "service_time"):
        assert run.metric(metric)["count"] == counts["delivered"], metric
        assert run.clipped(metric) == 0, metric


def _workers(process: "subprocess.Popen[bytes]") -> tuple[int, ...]:
    """Wait until the workers are there; return their ids."""
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        children = parent.children()
        if children:
            # All are forked at once, before any begins to work.
            time.sleep(0.05)
            return tuple(child.pid for child in parent.children())
        time.sleep(0.01)
    return ()
