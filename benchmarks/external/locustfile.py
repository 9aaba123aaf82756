"""The paced job for Locust: one user for each connection, with ``websocket-client``."""

from __future__ import annotations

import os
import time

from locust import User, constant_throughput, task
from websocket import WebSocket, create_connection

SIZE = int(os.environ["BENCH_SIZE"])


class EchoUser(User):
    """Sends a message and waits for its echo, at the wanted rate."""

    wait_time = constant_throughput(float(os.environ["BENCH_RATE"]))

    def on_start(self) -> None:
        """Open the connection."""
        self.sequence = 0
        self.socket: WebSocket = create_connection(self.host)

    @task
    def echo(self) -> None:
        """Time one message."""
        self.sequence += 1
        begun = time.perf_counter()
        self.socket.send(f"LIMIT{self.sequence:08x}{time.monotonic_ns():016x}".ljust(SIZE, "."))
        answer = self.socket.recv()
        self.environment.events.request.fire(
            request_type="WS",
            name="echo",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=len(answer),
            exception=None,
        )

    def on_stop(self) -> None:
        """Close the connection."""
        self.socket.close()
