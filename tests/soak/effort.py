"""How long the tests of memory take: short in the ordinary tests, long by `make soak`."""

import os

FULL = os.environ.get("SURGEWIRE_SOAK") == "full"
TIMEOUT_S = 3_600 if FULL else 120

HOURS = 40.0 if FULL else 9.0
"""Of records, taken in as fast as they can be."""

PACE = 60
"""Messages a second of each user; one a second is usual: 10 s stand for ten minutes."""

RUN_S = 600.0 if FULL else 10.0
WARM_UP_S = 150.0 if FULL else 4.0
"""For two minutes the supervisor keeps each second apart that drift is looked for in."""
