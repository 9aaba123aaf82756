"""What is to happen: frozen models of a run, their validation, and values as people write them."""
