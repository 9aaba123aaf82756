"""Names under which ways are counted, so many and no more."""

_MOST = 16


class FactNames:
    """Gives the names of one group of facts: ``source_127.0.0.2`` and so on.

    The first 16 values have a name each and all further ones share ``<group>_others``, so that
    one group leaves room in the table of facts for the rest.
    """

    def __init__(self, group: str) -> None:
        """Name facts that begin with `group`."""
        self._group = group
        self._names: dict[str, str] = {}

    def name(self, value: str) -> str:
        """Return the name under which `value` is counted."""
        name = self._names.get(value)
        if name is None:
            known = len(self._names) < _MOST
            name = f"{self._group}_{value.lower()}" if known else f"{self._group}_others"
            if known:
                self._names[value] = name
        return name
