"""Runs the suite's ``wstest`` with its fuzzing server bound to loopback (CPython 2.7).

``wstest`` has no option for the address to bind, and would be reachable from the network.
"""

import functools
import sys

from autobahntestsuite import fuzzing, wstest

fuzzing.listenWS = functools.partial(fuzzing.listenWS, interface="127.0.0.1")
sys.exit(wstest.run())
