"""The command line: flags to a plan, a plan to ``run``, a result to an exit code; no logic."""
