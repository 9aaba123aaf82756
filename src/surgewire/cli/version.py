"""``surgewire version``: what is installed."""

HELP = "Print the versions of Surgewire and of what it stands on."


def version() -> int:
    """Print the version, the build profile of the native core, uvloop's and Python's version."""
    import platform
    from importlib import metadata

    import surgewire
    from surgewire._core.build_info import PROFILE

    print(f"surgewire {surgewire.__version__}")
    print(f"native core: {PROFILE} build")
    print(f"uvloop {metadata.version('uvloop')}")
    print(f"Python {platform.python_version()} ({platform.python_implementation()})")
    return 0
