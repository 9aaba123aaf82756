"""Reading what the kernel tells in files, from any folder, so that tests can feed literal trees."""

from dataclasses import dataclass
from pathlib import Path


def whole(word: str) -> int | None:
    """Return the whole number that a word is; None for any other word."""
    return int(word) if word.isascii() and word.isdigit() else None


@dataclass(frozen=True, slots=True)
class Root:
    """The folder that stands for ``/``; None is a system that tells nothing."""

    path: Path | None = None

    def text(self, name: str) -> str | None:
        """Return the text of the file `name` (``proc/loadavg``); None where it cannot be read."""
        if self.path is None:
            return None
        try:
            return (self.path / name).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def numbers(self, name: str) -> tuple[int, ...]:
        """Return the whole numbers that a file begins with; none where there are none."""
        found: list[int] = []
        for word in (self.text(name) or "").split():
            number = whole(word)
            if number is None:
                break
            found.append(number)
        return tuple(found)

    def number(self, name: str) -> int | None:
        """Return the whole number that a file begins with."""
        return next(iter(self.numbers(name)), None)

    def fields(self, name: str, separator: str = ":") -> dict[str, str]:
        """Return the lines ``key: value`` of a file."""
        pairs = (line.partition(separator) for line in (self.text(name) or "").splitlines())
        return {key.strip(): value.strip() for key, _, value in pairs}

    def counts(self, name: str, key: str) -> dict[str, int]:
        """Return the counts in the line ``key: name 1 name 2`` of a file."""
        words = self.fields(name).get(key, "").split()
        pairs = zip(words[::2], words[1::2], strict=False)
        return {word: whole(count) or 0 for word, count in pairs}

    def paths(self, pattern: str) -> list[str]:
        """Return the names of the files that match `pattern`, in order."""
        if self.path is None:
            return []
        return sorted(str(path.relative_to(self.path)) for path in self.path.glob(pattern))


HERE = Root(Path("/"))
"""This machine."""
