"""Fuzzes compressed messages: any split gives the same events, and Python's zlib finds the same.

python tests/fuzz/fuzz_deflate.py --seconds 60
python tests/fuzz/fuzz_deflate.py build/fuzz/findings/deflate-crash-…
"""

from harness import Target, main

MAX_INPUT_BYTES = 2048


def load() -> Target:
    """Import the instrumented decoder."""
    from tests.fuzz.deflate_input import run_input
    from tests.fuzz.deflate_mutator import mutate_deflate

    return Target(run_input, mutate_deflate)


if __name__ == "__main__":
    main("deflate", load, MAX_INPUT_BYTES)
