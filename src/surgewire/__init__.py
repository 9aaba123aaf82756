"""Surgewire: load tester for WebSocket and realtime servers."""
