"""What was asked for, read from the plan in the journal.

The plan is read as a plain map and leniently: the plan of a newer minor version must not keep an
older reader from making its report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from surgewire.plan.secrets import HIDDEN, redact_url

_NS_PER_S = 1_000_000_000
_DEFAULT_PORTS = {"ws": 80, "wss": 443}


def _host_and_port(url: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return "", None


@dataclass(frozen=True, slots=True)
class Asked:
    """The part of a plan that results are compared with."""

    kind: str = ""
    """``echo``, ``chat``, ``connect``, or empty while no start record is known."""
    url: str = ""
    """Without secrets; see ``redact_url``."""
    host: str = ""
    port: int | None = None
    connections: int = 0
    duration_s: float = 0.0
    warmup_s: float = 0.0
    drain_s: float = 0.0
    hold_s: float = 0.0
    pingpong: bool = False
    witness: int = 0
    rooms: int = 0
    joins: bool = False
    """Whether users ask to join."""
    confirms: bool = False
    """Whether a confirmation of the join is awaited."""
    reconnects: bool = False
    reconnect_max_s: float = 0.0
    """The longest wait between two tries."""
    churns: bool = False
    """Whether users leave on purpose and come back."""
    storms: bool = False
    """Whether many leave together and come back."""
    insecure: bool = False
    """Whether certificates were not checked."""
    plan: dict[str, Any] = field(default_factory=dict)
    """The whole plan, its URL without secrets and its join message hidden."""

    @classmethod
    def from_plan(cls, plan: Mapping[str, Any]) -> Self:
        """Read ``plan.to_dict()``; what is missing counts as not asked for."""
        url = plan.get("target")
        url = url if isinstance(url, str) else ""
        host, port = _host_and_port(url)
        shown = redact_url(url)
        # Where there is no token in the URL, it goes with the join message.
        hidden = {"join": HIDDEN} if plan.get("join") is not None else {}
        return cls(
            kind=str(plan.get("kind", "")),
            url=shown,
            host=host,
            port=port,
            connections=_whole(plan, "connections"),
            duration_s=_whole(plan, "duration_ns") / _NS_PER_S,
            warmup_s=_whole(plan, "warmup_ns") / _NS_PER_S,
            drain_s=_whole(plan, "drain_ns") / _NS_PER_S,
            hold_s=_whole(plan, "hold_ns") / _NS_PER_S,
            pingpong=plan.get("pingpong") is True,
            witness=_whole(plan, "witness"),
            rooms=_whole(plan, "rooms"),
            joins=plan.get("join") is not None,
            confirms=plan.get("joined") is not None,
            reconnects=plan.get("reconnect_max_ns") is not None,
            reconnect_max_s=_whole(plan, "reconnect_max_ns") / _NS_PER_S,
            churns=_whole(plan, "churn_ppm") > 0,
            storms=_whole(plan, "reconnect_storm_ppm") > 0,
            insecure=_part(plan, "tls").get("insecure") is True,
            plan={**plan, "target": shown, **hidden},
        )

    @property
    def measured_phase(self) -> str:
        """The phase that the figures are about."""
        return "connecting" if self.kind == "connect" else "sending"

    @property
    def sends(self) -> bool:
        """Whether messages are part of the run."""
        return self.kind in ("echo", "chat")

    @property
    def chats(self) -> bool:
        """Whether users are in rooms."""
        return self.kind == "chat"

    @property
    def level_gauge(self) -> str:
        """The gauge that says how many users are there: joined, or open where none joins."""
        return "joined" if self.chats else "open"


def _part(plan: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = plan.get(name)
    return part if isinstance(part, Mapping) else {}


def _whole(plan: Mapping[str, Any], name: str) -> int:
    value = plan.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
