"""Fuzzes the frame decoder: any split gives the same events, and `websockets` sees the same.

python tests/fuzz/fuzz_frame.py --seconds 60
python tests/fuzz/fuzz_frame.py build/fuzz/findings/frame-crash-…
"""

from harness import Target, main

MAX_INPUT_BYTES = 2048


def load() -> Target:
    """Import the instrumented decoder."""
    from tests.fuzz.frame_input import run_input
    from tests.fuzz.frame_mutator import mutate

    return Target(run_input, mutate)


if __name__ == "__main__":
    main("frame", load, MAX_INPUT_BYTES)
