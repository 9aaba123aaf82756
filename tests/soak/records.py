"""The supervisor's part of a soak at speed: records of hours, as fast as they can be taken in.

Prints, as JSON, pairs of a second of the run and the resident memory then.
"""

import argparse
import dataclasses
import json
import tempfile
from pathlib import Path

import numpy as np

from surgewire.engine.journal import JournalWriter
from surgewire.engine.observer import SilentObserver
from surgewire.engine.recorder import Recorder
from surgewire.results.record import EventRecord, IntervalRecord, Record
from surgewire.results.tally import Tally
from tests.results.samples import gain, interval, phase, start, worker
from tests.soak.memory import resident_bytes

METRICS = ("message_latency", "send_lag", "ping_time")
# Different seconds, over and over.
DIFFERENT = 50
SAMPLE_EVERY_S = 10
RESULT_EVERY_S = 600
# By then all that fills up is full: events, kinds, episodes, and the bins of what drifts, whose
# memory is touched piece by piece.
WARM_UP_S = 2 * 3600
TROUBLE_EVERY_S = 30
KINDS = 8


def seconds(dice: np.random.Generator) -> list[IntervalRecord]:
    """Make some seconds of a busy run, each different."""
    return [
        interval(
            1.0,
            counters={"sent": 10_000, "expected": 10_000, "delivered": 9_990, "lost": 10},
            gauges={"open": 1_000, "peak_open": 1_000, "joined": 1_000},
            metrics={},
            workers=(worker(0), worker(1)),
        )
        for _ in range(DIFFERENT)
    ]


def with_times(record: IntervalRecord, dice: np.random.Generator) -> IntervalRecord:
    histograms = {name: gain(dice.lognormal(0.0, 0.7, 200)) for name in METRICS}
    return dataclasses.replace(record, histograms=histograms)


def trouble(second: int) -> list[Record]:
    """Make what goes wrong from time to time, of some kinds.

    Each of the 120 bins of a course holds the kinds that occurred in it: with all 64 that there can
    be, one at a time, it takes days until each bin has its share of what is the same in the end.
    """
    kind = f"close_{4000 + second // TROUBLE_EVERY_S % KINDS}"
    cut = interval(
        float(second),
        counters={"lost_to_disconnect": 500},
        gauges={"open": 400, "peak_open": 1_000, "joined": 400},
        closed={kind: 600},
        errors={f"http_{500 + second // TROUBLE_EVERY_S % KINDS}": 3},
    )
    return [cut, *(EventRecord(float(second), "note", {"text": f"{second}"}) for _ in range(20))]


def main(hours: float, leak_bytes: int) -> None:
    dice = np.random.default_rng(1)
    pool = [with_times(record, dice) for record in seconds(dice)]
    leaked: list[bytes] = []
    # Made and touched beforehand: what measures must not grow itself.
    series = np.ones((round(hours * 3600) // SAMPLE_EVERY_S + 1, 2))
    samples = 0
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        journal = JournalWriter(Path(folder) / "journal.bin")
        recorder = Recorder(journal, tally, SilentObserver())
        recorder.add(start(duration_ns=round(hours * 3_600e9), reconnect_max_ns=30_000_000_000))
        recorder.add(phase(0.0, "sending"))
        for second in range(1, round(hours * 3600) + 1):
            recorder.add(dataclasses.replace(pool[second % DIFFERENT], at_s=float(second)))
            if second % TROUBLE_EVERY_S == 0:
                for record in trouble(second):
                    recorder.add(record)
            if second % RESULT_EVERY_S == 0:
                tally.result().to_dict()
            if leak_bytes:
                leaked.append(bytes(leak_bytes))
            if second % SAMPLE_EVERY_S == 0 and second >= WARM_UP_S:
                series[samples] = second, resident_bytes()
                samples += 1
        journal.close()
    print(json.dumps(series[:samples].tolist()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, required=True)
    parser.add_argument("--leak-bytes", type=int, default=0)
    given = parser.parse_args()
    main(given.hours, given.leak_bytes)
