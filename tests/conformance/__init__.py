"""The conformance gate: the Autobahn test suite against our client code path."""
