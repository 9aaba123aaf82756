"""A run of a given plan, in a process of its own, with a leak if one is asked for.

    python -m tests.soak.run RUNS_DIR PLAN LEAK_BYTES_PER_S

PLAN is JSON. The leak is in worker 1.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from surgewire.engine.process import WorkerMain
from surgewire.engine.run import execute
from surgewire.engine.worker import worker_main
from surgewire.plan.models import plan_from_dict

LEAK_EVERY_S = 0.02


def leaking(bytes_per_s: int) -> WorkerMain:
    """Make workers of which number 1 never gives back what it takes."""

    def leak() -> None:
        kept = []
        while True:
            # Not zero, or the pages would not be there.
            kept.append(b"\xff" * round(bytes_per_s * LEAK_EVERY_S))
            time.sleep(LEAK_EVERY_S)

    def main(worker: int, *others: Any) -> int:
        if worker == 1:
            threading.Thread(target=leak, daemon=True).start()
        return worker_main(worker, *others)

    return main


def main(runs_dir: str, plan: str, leak: str) -> None:
    work = leaking(int(leak)) if int(leak) else worker_main
    result = execute(plan_from_dict(json.loads(plan)), work, runs_dir=Path(runs_dir))
    print(json.dumps(result.to_dict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
