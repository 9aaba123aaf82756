"""How users get to the target: the parts of a plan that every kind of run has."""
