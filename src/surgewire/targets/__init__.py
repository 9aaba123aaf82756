"""The embedded servers: something to try the tester on, that can also misbehave on request."""
