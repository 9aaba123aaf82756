"""Disk: room for the journal of a run."""

import os
from pathlib import Path

from surgewire.doctor.demand import Demand, mebibytes
from surgewire.doctor.finding import Finding, Status, ok, unknown
from surgewire.doctor.machine import Machine

# A busy second of a chat takes about 7 kB, one of an echo run 4.5 kB.
_JOURNAL_BYTES_PER_S = 12_000
# Plan, result, crash files, and what others write meanwhile.
_REST_BYTES = 16 << 20


def check_disk(demand: Demand, machine: Machine) -> Finding:
    """Hold the free space where the run's folder goes against a generous journal."""
    del machine
    needed = round(demand.duration_s * _JOURNAL_BYTES_PER_S) + _REST_BYTES
    wanted = f"{mebibytes(needed)} for the journal of this run"
    place = _existing(demand.runs_dir)
    try:
        told = os.statvfs(place)
    except OSError:
        return unknown("disk", wanted=wanted)
    free = told.f_bavail * told.f_frsize
    found = f"{mebibytes(free)} free in {place}"
    if free >= needed:
        return ok("disk", found, wanted)
    return Finding(
        "disk",
        Status.WARN,
        found,
        wanted,
        None,
        "free some space, or use `--runs-dir DIR` on another disk",
        "the journal ends when the disk is full, and a killed run is lost from there on",
    )


def _existing(place: Path) -> Path:
    """Return the folder itself, or the nearest one above it that is there."""
    place = place.absolute()
    return next(folder for folder in (place, *place.parents) if folder.exists())
