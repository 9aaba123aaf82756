"""Is this machine fit for a plan: one file for each group of findings, and nothing is changed."""
