"""Fuzzes the search for markers: any bytes, against the plain definition of the marker.

python tests/fuzz/fuzz_marker.py --seconds 60
python tests/fuzz/fuzz_marker.py build/fuzz/findings/marker-crash-…
"""

from harness import Target, main

MAX_INPUT_BYTES = 1024


def load() -> Target:
    """Import the instrumented scanner."""
    from tests.fuzz.marker_input import run_input
    from tests.fuzz.marker_mutator import mutate

    return Target(run_input, mutate)


if __name__ == "__main__":
    main("marker", load, MAX_INPUT_BYTES)
