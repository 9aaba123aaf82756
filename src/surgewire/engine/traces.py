"""Where the workers of a run write down every message, if they are to."""

from pathlib import Path

from surgewire.engine.limits import LimitError
from surgewire.plan.models import ChatPlan, Plan


def trace_path(trace: str, worker: int) -> Path:
    """Return the file into which a worker writes its part of the trace."""
    return Path(f"{trace}.{worker}")


def check_traces(plan: Plan) -> None:
    """Raise LimitError where the trace of `plan` cannot be written."""
    if not isinstance(plan, ChatPlan) or plan.trace is None:
        return
    for worker in range(plan.processes):
        path = trace_path(plan.trace, worker)
        try:
            path.open("ab").close()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise LimitError(f"the trace {path} cannot be written: {why}") from error
