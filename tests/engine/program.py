"""A run as a program of its own, to be sent signals: fake worker, folder, plan values as JSON.

Prints a line when a phase begins, and the result as JSON at the end.
"""

import json
import sys
from pathlib import Path

from surgewire.engine.run import execute
from surgewire.engine.timetable import Patience
from tests.engine import fakes


class Teller(fakes.Watcher):
    def record(self, record):
        super().record(record)
        if record.TYPE == "event":
            print(record.kind, json.dumps(record.detail), flush=True)
        elif record.TYPE == "interval":
            print("interval", [sample.pid for sample in record.workers], flush=True)


def main(work, runs_dir, values):
    values = json.loads(values)
    margin_ns = values.pop("margin_ns", 3 * fakes.S)
    plan = fakes.echo_plan(**values)
    result = execute(
        plan,
        getattr(fakes, work),
        runs_dir=Path(runs_dir),
        observer=Teller(),
        patience=Patience(margin_ns=margin_ns, abort_ns=fakes.S),
    )
    print("result", json.dumps(result.to_dict()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
