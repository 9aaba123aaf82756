"""The cases of the proof: which target does what wrong, to how many rooms, who comes and goes."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from tests.delivery.faults import Faults
from tests.delivery.targets import SERVERS, Target, embedded, proxied

FULL = os.environ.get("SURGEWIRE_DELIVERY") == "full"
"""All cases, with more messages each: `make delivery`."""

EMBEDDED = "embedded"
DEADLINE_MS = 200
_DELAY_MS = 300

FAULTS: dict[str, tuple[str, ...]] = {
    "none": (),
    "drop": ("dropped",),
    "duplicate": ("duplicated",),
    "reorder": ("reordered",),
    "damage": ("damaged",),
    "delay": (),
    "cut": ("cut_close", "cut_eof", "cut_reset"),
}
"""The events by which the record of a target tells of a fault."""

ALL = "all"
_OPTIONS = {
    "drop": ("--drop", "3%"),
    "duplicate": ("--duplicate", "3%"),
    "reorder": ("--reorder", "5%"),
    "damage": ("--damage", "3%"),
    "delay": ("--delay-distribution", f"mix:0ms@95,{_DELAY_MS}ms@5"),
    "cut": ("--cut", "40%/s"),
}
_SHARES = {
    "drop": 0.03,
    "duplicate": 0.03,
    "reorder": 0.05,
    "damage": 0.03,
    "delay": 0.008,
    "cut": 0.003,
}
SHAPES: dict[str, dict[str, Any]] = {
    "big": {"connections": 12, "rooms": 1, "rate": "20/s"},
    "small": {"connections": 24, "rooms": 7, "rate": "15/s"},
}
MOTIONS: dict[str, dict[str, Any]] = {
    "still": {},
    "churn": {"churn": "60%/s", "reconnect": "20ms..100ms"},
    "reconnect": {"reconnect": "20ms..200ms"},
}
VARIED = {
    "binary": True,
    "size": "200..3k",
    "senders": "50%",
    "rate": "30/s",
    "send_during_ramp": True,
}
JOIN = '{"type":"join","room":"{{room}}"}'
JOINED = '/"type": ?"joined"/'
"""The servers of the libraries put a space there, as `json.dumps` does."""


@dataclass(frozen=True)
class Case:
    """One run."""

    target: str
    fault: str
    workers: int
    shape: str
    motion: str
    joining: bool = False
    """By a message, not by the URL."""
    confirmed: bool = True
    """Whether the plan knows by what a join is confirmed."""
    others: bool = False
    varied: bool = False
    """Frames of many sizes, binary, from half of the users, while the others still connect."""
    seed: int = 1

    def __str__(self) -> str:
        extras = "-join" * self.joining + "-unconfirmed" * (not self.confirmed)
        extras += "-others" * self.others + "-varied" * self.varied
        return f"{self.target}-{self.fault}-{self.workers}-{self.shape}-{self.motion}{extras}"

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults that the target commits; who is to come back must be cut off before."""
        chosen = tuple(_OPTIONS) if self.fault == ALL else (self.fault,)
        chosen = tuple(name for name in chosen if name != "none")
        return (*chosen, "cut") if self.motion == "reconnect" and "cut" not in chosen else chosen

    @property
    def plan(self) -> dict[str, Any]:
        """What the plan says, but for its URL."""
        values: dict[str, Any] = {
            "processes": self.workers,
            "ramp": "150ms",
            "warmup": "100ms",
            "duration": "3s" if FULL else "1s",
            "drain": "800ms",
            "deadline": f"{DEADLINE_MS}ms",
            "connect_timeout": "5s",
            "send": '{"text":"{{marker}} {{seq}} of {{user}}","to":"{{room}}"}',
            "to": "others" if self.others else "room",
            "seed": self.seed,
        }
        if self.joining:
            values |= {"join": JOIN}
            # Without a word of the target a user takes itself for a member after a second.
            confirmation = {"joined": JOINED, "join_timeout": "2s"}
            values |= confirmation if self.confirmed else {"duration": "2500ms"}
        if self.varied:
            values |= VARIED
        return values | SHAPES[self.shape] | MOTIONS[self.motion]

    def url(self, base: str) -> str:
        return f"{base}?user={{{{user}}}}{'' if self.joining else '&room={{room}}'}"

    def serve(self, folder: Path) -> AbstractContextManager[Target]:
        if self.target == EMBEDDED:
            options = [text for name in self.faults for text in _OPTIONS[name]]
            return embedded(folder, *options, "--seed", str(self.seed))
        shares = {name: _SHARES[name] for name in self.faults}
        faults = Faults(**shares, delay_s=_DELAY_MS / 1000, seed=self.seed)
        return proxied(self.target, folder, faults, others=self.others)


def cases() -> list[Case]:
    """Return the cases of the chosen effort."""
    return list(_full() if FULL else _short())


def _full() -> Iterator[Case]:
    faults = (*FAULTS, ALL)
    seed = 0
    for target, fault, workers, shape, motion in product(
        (EMBEDDED, *SERVERS), faults, (1, 3), SHAPES, MOTIONS
    ):
        seed += 1
        # Both ways into a room, and both kinds of messages, over the whole of the matrix.
        joining, varied = seed // 3 % 2 == 1, seed % 5 == 0
        yield Case(target, fault, workers, shape, motion, joining, varied=varied, seed=seed)
    for target, motion in product((EMBEDDED, *SERVERS), MOTIONS):
        seed += 1
        yield Case(target, ALL, 3, "small", motion, joining=True, confirmed=False, seed=seed)
    for target in SERVERS:
        for fault, motion in product(("none", ALL), MOTIONS):
            seed += 1
            yield Case(target, fault, 3, "small", motion, True, others=True, seed=seed)


def _short() -> Iterator[Case]:
    """Each fault alone and all together; each pair of what else varies at least once."""
    yield Case(EMBEDDED, "none", 3, "small", "churn", joining=True)
    yield Case(EMBEDDED, "drop", 1, "big", "still")
    yield Case(EMBEDDED, "duplicate", 3, "big", "churn")
    yield Case(EMBEDDED, "reorder", 3, "small", "still", joining=True)
    yield Case(EMBEDDED, "damage", 1, "small", "churn", varied=True)
    yield Case(EMBEDDED, "delay", 3, "big", "still", joining=True)
    yield Case(EMBEDDED, "cut", 3, "small", "reconnect", joining=True)
    yield Case(EMBEDDED, "cut", 1, "big", "still")
    yield Case(EMBEDDED, ALL, 1, "small", "reconnect")
    yield Case(EMBEDDED, ALL, 3, "big", "reconnect", joining=True, varied=True)
    yield Case(EMBEDDED, ALL, 3, "small", "churn", joining=True)
    yield Case(EMBEDDED, ALL, 3, "small", "reconnect", joining=True, confirmed=False)
    yield Case("websockets", "none", 3, "big", "churn", joining=True)
    yield Case("websockets", ALL, 3, "small", "reconnect", varied=True)
    yield Case("aiohttp", "cut", 1, "big", "reconnect", joining=True)
    yield Case("aiohttp", ALL, 3, "small", "churn", others=True)
    yield Case("starlette", "delay", 3, "big", "still")
    yield Case("starlette", ALL, 3, "small", "reconnect", joining=True)
