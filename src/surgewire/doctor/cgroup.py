"""Limits of control groups, version 1 or 2, as containers and services have them."""

from collections.abc import Iterator

from surgewire.doctor.root import Root, whole

_MOUNT = "sys/fs/cgroup"
# What version 1 writes for "no limit" is the largest multiple of the page size.
_UNLIMITED = 1 << 60


def memory_room_bytes(root: Root) -> int | None:
    """Return how much more memory the narrowest group of this process allows; None for any."""
    rooms = []
    for folder in _folders(root, "memory"):
        limit = root.number(f"{folder}/memory.max")
        used = root.number(f"{folder}/memory.current")
        idle = "inactive_file"
        if limit is None:
            limit = root.number(f"{folder}/memory.limit_in_bytes")
            used = root.number(f"{folder}/memory.usage_in_bytes")
            idle = "total_inactive_file"
        if limit is not None and limit < _UNLIMITED:
            # Pages of files that nobody reads are counted as used, and given back when asked for.
            spare = whole(root.fields(f"{folder}/memory.stat", " ").get(idle, "")) or 0
            rooms.append(max(limit - max((used or 0) - spare, 0), 0))
    return min(rooms, default=None)


def cpu_quota(root: Root) -> float | None:
    """Return how many cores' time the narrowest group of this process allows; None for any."""
    quotas = []
    for folder in _folders(root, "cpu"):
        match root.numbers(f"{folder}/cpu.max"):
            case (quota, period) if period > 0:
                quotas.append(quota / period)
        quota_us = root.number(f"{folder}/cpu.cfs_quota_us")
        period_us = root.number(f"{folder}/cpu.cfs_period_us")
        if quota_us and period_us:
            quotas.append(quota_us / period_us)
    return min(quotas, default=None)


def process_room(root: Root) -> int | None:
    """Return how many more processes the narrowest group of this process allows; None for any."""
    rooms = []
    for folder in _folders(root, "pids"):
        most, now = root.number(f"{folder}/pids.max"), root.number(f"{folder}/pids.current")
        if most is not None and now is not None:
            rooms.append(max(most - now, 0))
    return min(rooms, default=None)


def _folders(root: Root, controller: str) -> Iterator[str]:
    """Give the folder of this process's group for `controller`, and those around it."""
    for line in (root.text("proc/self/cgroup") or "").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            # Beside groups of version 1 those of version 2 are mounted one folder lower.
            mounts = [_MOUNT, f"{_MOUNT}/unified"]
        elif controller in controllers.split(","):
            mounts = [f"{_MOUNT}/{controllers}", f"{_MOUNT}/{controller}"]
        else:
            continue
        for mount in dict.fromkeys(mounts):
            yield from _upwards(mount, group)


def _upwards(mount: str, group: str) -> Iterator[str]:
    parts = [part for part in group.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        yield "/".join([mount, *parts[:depth]])
