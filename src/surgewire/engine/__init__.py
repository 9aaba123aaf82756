"""Making it happen: the supervisor, the workers, what they share and what is kept of it."""
