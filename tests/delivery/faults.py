"""Which fault happens to which delivery: a share for each, drawn from a seed."""

import random
from dataclasses import dataclass, fields

CUTS = ("cut_close", "cut_eof", "cut_reset")


@dataclass(frozen=True)
class Faults:
    """Shares of the deliveries, 0 to 1, and how long a delayed one waits."""

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    damage: float = 0.0
    delay: float = 0.0
    cut: float = 0.0
    delay_s: float = 0.3
    seed: int = 1

    def to_text(self) -> str:
        return ",".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self))

    @classmethod
    def from_text(cls, text: str) -> "Faults":
        values = dict(part.split("=") for part in text.split(","))
        seed = int(values.pop("seed"))
        return cls(seed=seed, **{name: float(value) for name, value in values.items()})


@dataclass(frozen=True)
class Fate:
    """What happens to one delivery; what excludes one another is never drawn together."""

    drop: bool = False
    duplicate: bool = False
    reorder: bool = False
    places: tuple[int, int] | None = None
    """Behind the marker's prefix, the two characters that are damaged."""
    delay_s: float = 0.0
    cut: str | None = None


class Dice:
    """Draws for the deliveries of one connection: the same for one seed, user and turn of it."""

    def __init__(self, faults: Faults, user: str, turn: int) -> None:
        self.faults = faults
        self.random = random.Random(f"{faults.seed}/{user}/{turn}")

    def draw(self) -> Fate:
        # As many numbers for each delivery, whatever the shares are: the rest stays as it is.
        faults = self.faults
        drop, duplicate, reorder, damage, delay, cut = (self.random.random() for _ in range(6))
        first, second = self.random.sample(range(48), 2)
        how = self.random.choice(CUTS)
        if cut < faults.cut:
            return Fate(cut=how)
        if drop < faults.drop:
            return Fate(drop=True)
        damaged = damage < faults.damage
        return Fate(
            duplicate=duplicate < faults.duplicate and not damaged,
            reorder=reorder < faults.reorder,
            places=(first, second) if damaged else None,
            delay_s=faults.delay_s if delay < faults.delay else 0.0,
        )
