"""Surgewire: load tester for WebSocket and realtime servers that accounts for every message.

    import surgewire

    plan = surgewire.EchoPlan(
        url="ws://127.0.0.1:8765/", connections=100, rate="1/s", duration="10s"
    )
    result = surgewire.run(plan)
    print(result.delivery.rate, result.metrics["message_latency"].p99)

The names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surgewire.engine.find_rate import find_rate
    from surgewire.engine.run import run
    from surgewire.plan.find import FindPlan
    from surgewire.plan.models import ChatPlan, ConnectPlan, EchoPlan
    from surgewire.results.find import FindResult
    from surgewire.results.result import Result

    __version__: str

__all__ = [
    "ChatPlan",
    "ConnectPlan",
    "EchoPlan",
    "FindPlan",
    "FindResult",
    "Result",
    "__version__",
    "find_rate",
    "run",
]

_HOMES = {
    "run": "surgewire.engine.run",
    "find_rate": "surgewire.engine.find_rate",
    "FindPlan": "surgewire.plan.find",
    "FindResult": "surgewire.results.find",
    "ChatPlan": "surgewire.plan.models",
    "EchoPlan": "surgewire.plan.models",
    "ConnectPlan": "surgewire.plan.models",
    "Result": "surgewire.results.result",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module where it lives."""
    if name == "__version__":
        from surgewire.release import release

        value: Any = release()
    elif name in _HOMES:
        from importlib import import_module

        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
