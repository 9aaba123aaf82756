"""From a user to an established transport: names, sources, TCP, TLS, and the phases of it."""
