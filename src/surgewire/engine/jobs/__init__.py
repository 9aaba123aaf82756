"""What a worker does with its users, one file for each kind of run."""
