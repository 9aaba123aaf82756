"""Fuzzes the search for markers: any bytes, against the plain definition of the marker.

python tests/fuzz/fuzz_marker.py --seconds 60
python tests/fuzz/fuzz_marker.py build/fuzz/findings/marker-crash-…
"""

from harness import Target, main

MAX_INPUT_BYTES = 1024


def load() -> Target:
    """Import the instrumented scanner."""
    import atheris

    from tests.fuzz.marker_input import run_input
    from tests.fuzz.marker_mutator import mutate

    def mutate_either_way(data: bytes, max_size: int, seed: int) -> bytes:
        if seed % 3 == 0:
            return bytes(atheris.Mutate(data, max_size))
        return mutate(data, max_size, seed)

    return Target(run_input, mutate_either_way)


if __name__ == "__main__":
    main("marker", load, MAX_INPUT_BYTES)
