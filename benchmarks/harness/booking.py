"""What it takes to book one delivery, without sockets: marker, ledger, fan-out, histograms."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import mmap
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from Cython.Build import cythonize
from setuptools import Distribution, Extension

from harness.server import BenchmarkError
from surgewire._core import marker
from surgewire._core.histogram import HISTOGRAM_WORDS
from surgewire._core.ledger import COUNTERS, Ledger
from surgewire._core.rooms import Rooms, memory_bytes
from surgewire.engine.windows import fanout_slots, window_bits

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "benchmarks" / "ledger" / "booking.pyx"
BUILT = ROOT / "build" / "booking"

TO_REACH_NS = 150
RUN = 4711
DEADLINE_NS = 2_000_000_000
TEXT = b'{"type":"message","room":"%b","text":"' + b"-" * marker.LENGTH + b' hello"}'
# What is walked before each message: nothing, more than a core has for itself, more than all share.
CACHES = {"warm": 0, "the core's emptied": 4 << 20, "all emptied": 64 << 20}


def build_booking(where: Path = BUILT) -> ModuleType:
    """Compile the native loop where it is out of date; BenchmarkError when that fails."""
    extension = Extension("booking", [str(SOURCE)], extra_compile_args=["-O3", "-g1"])
    told = io.StringIO()
    try:
        with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
            modules = cythonize(
                [extension], build_dir=str(where), include_path=[str(ROOT / "src")],
                language_level=3, quiet=True,
                compiler_directives={"boundscheck": False, "wraparound": False,
                                     "initializedcheck": False, "cdivision": True},
            )  # fmt: skip
            build = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
            build.build_temp, build.build_lib = str(where), str(where)
            build.ensure_finalized()
            build.run()
    except (Exception, SystemExit) as error:
        raise BenchmarkError(f"{SOURCE} does not build: {error}\n{told.getvalue()}") from None
    spec = importlib.util.spec_from_file_location("booking", build.get_ext_fullpath("booking"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Crowd:
    """Memberships of one worker, ``workers`` in all, in rooms that get a message ``rate_per_s``."""

    memberships: int = 10_000
    rooms: int = 100
    workers: int = 2
    rate_per_s: float = 10.0


class Books:
    """The books of a crowd, all windows open, and the native loop over them."""

    def __init__(self, module: ModuleType, crowd: Crowd) -> None:
        """Join all; what comes first is the same each time."""
        self.crowd = crowd
        self.chance = np.random.default_rng(1)
        stream_per_s = crowd.rate_per_s / crowd.workers
        self.bits = window_bits(stream_per_s, DEADLINE_NS)
        slots = fanout_slots(stream_per_s, DEADLINE_NS)
        self.counts = np.zeros((crowd.rooms, len(COUNTERS)), np.uint64)
        ledger = Ledger(crowd.memberships * crowd.workers, self.bits, self.counts)
        memory = np.frombuffer(
            mmap.mmap(-1, memory_bytes(crowd.workers, crowd.rooms, slots)), np.uint8
        )
        views = [
            Rooms(memory, workers=crowd.workers, rooms=crowd.rooms, slots=slots, worker=worker)
            for worker in range(crowd.workers)
        ]
        per_room = crowd.memberships // crowd.rooms
        members = np.arange(per_room * crowd.rooms, dtype=np.uint32).reshape(crowd.rooms, per_room)
        for room, users in enumerate(members):
            for user in users.tolist():
                for worker, first in enumerate(views[0].join_room(room)):
                    ledger.open_window(user * crowd.workers + worker, first)
        self.chance.permuted(members, axis=1, out=members)
        self.per_room = per_room
        self.histograms = np.zeros((5, HISTOGRAM_WORDS), np.int64)
        self.native = module.Booking(
            ledger, views, self.histograms, members, run=RUN, deadline_ns=DEADLINE_NS
        )
        self.text = np.frombuffer(TEXT % b"lobby", np.uint8)

    def delivery_ns(self, messages: int, walked_bytes: int) -> float:
        """Book so many messages, the rooms in random order; median time of one delivery."""
        order = self.chance.integers(0, self.crowd.rooms, messages, dtype=np.uint32)
        walked = np.zeros(walked_bytes, np.uint8) if walked_bytes else None
        # From about 0.2 ms to 20 ms, as on a server that is busy.
        lags_ns = self.chance.lognormal(14.2, 0.8, messages).astype(np.int64)
        took_ns = np.zeros(messages, np.int64)
        at = TEXT.index(b"-") - len(b"%b") + len(b"lobby")
        self.native.deliver(self.text, at, order, lags_ns, walked, took_ns)
        return float(np.median(took_ns)) / self.per_room

    def count(self, name: str) -> int:
        """Return one of the ledger's counters, over all rooms."""
        return int(self.counts[:, COUNTERS.index(name)].sum())


def measure(messages: int = 300) -> list[str]:
    """Book with warm caches and with cold ones; gives a table in Markdown.

    Of five batches the best counts: on a shared machine others empty the caches as well.
    """
    module = build_booking()
    lines = ["| memberships | workers | windows | caches | ns per delivery | to reach |",
             "|---|---|---|---|---|---|"]  # fmt: skip
    for workers in (2, 8):
        books = Books(module, Crowd(workers=workers))
        books.delivery_ns(10 * messages, 0)
        for caches, walked_bytes in CACHES.items():
            ns = min(books.delivery_ns(messages // 5, walked_bytes) for _ in range(5))
            window = f"{workers} × {24 + books.bits // 8} bytes"
            lines.append(
                f"| {books.crowd.memberships:,} in {books.crowd.rooms} rooms | {workers} "
                f"| {window} | {caches} | {ns:.0f} | ≤ {TO_REACH_NS} |"
            )
        expected = (10 * messages + 3 * (messages // 5) * 5) * books.per_room
        if books.counts.sum() != books.count("delivered") or books.count("delivered") != expected:
            raise BenchmarkError(f"not all was booked: {books.counts.sum(axis=0)}")
    text = books.text.tobytes().replace(b"-" * marker.LENGTH, marker.encode(RUN, 1, 1, 1, 1, 1))
    alone_ns = min(module.find_markers(text, 100_000) for _ in range(5))
    lines.append("")
    lines.append(f"Of it, finding and checking the marker in {len(text)} bytes: {alone_ns:.0f} ns.")
    return lines
