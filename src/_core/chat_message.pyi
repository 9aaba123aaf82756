# Nothing of it reaches Python.
