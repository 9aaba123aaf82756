"""Measuring load generators from outside: what `benchmarks/run.py` is made of."""
