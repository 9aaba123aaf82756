"""The jobs that every generator is given, and the figures that Surgewire is to reach in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Job:
    """What a generator is to do; rates are per second, ``rate`` that of one connection."""

    name: str
    title: str
    mode: Literal["paced", "pingpong", "connect"]
    connections: int
    rate: float = 0.0
    connect_rate: float = 2000.0
    size_bytes: int = 64


@dataclass(frozen=True)
class Timing:
    """How long each part of a run lasts.

    Messages are counted in a window: it opens ``settle_s`` after the first message and closes
    ``margin_s`` before the generator stops sending.
    """

    window_s: float
    settle_s: float = 1.5
    margin_s: float = 1.0
    hold_s: float = 1.5

    @property
    def sending_s(self) -> float:
        """For how long the generator sends."""
        return self.settle_s + self.window_s + self.margin_s


JOBS = {
    job.name: job
    for job in (
        Job("paced-1k", "1,000 connections × 10/s", "paced", 1_000, 10.0),
        Job("paced-10k", "10,000 connections × 1/s", "paced", 10_000, 1.0),
        Job("pingpong", "ping-pong, 100 connections", "pingpong", 100),
        Job("connect", "10,000 connections at 2,000/s", "connect", 10_000),
    )
}

# What the two ends of a memory slope are.
MEMORY_JOBS = ("paced-1k", "paced-10k")

# Surgewire's limits as ratios to the bare C client in the same round, and in bytes.
MESSAGE_RATIO_TO_REACH = 1.25
CONNECT_RATIO_TO_REACH = 4.0
CONNECTION_BYTES_TO_REACH = 3072
