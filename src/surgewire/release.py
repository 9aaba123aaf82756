"""Which version of Surgewire this is."""

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the installed version; ``0+unknown`` for sources that were never installed."""
    try:
        return version("surgewire")
    except PackageNotFoundError:
        return "0+unknown"
