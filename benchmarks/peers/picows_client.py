"""The job with ``picows``: its listener class, on uvloop."""

from __future__ import annotations

from job import Connection, Receive, main
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect


class Peer(WSListener):
    """One connection; frames arrive by callback."""

    def __init__(self, receive: Receive) -> None:
        super().__init__()
        self.receive = receive
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Keep the transport to send with."""
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Hand text on; ping and close are answered by the library."""
        if frame.msg_type == WSMsgType.TEXT:
            answer = self.receive(frame.get_payload_as_ascii_text())
            if answer is not None:
                transport.send(WSMsgType.TEXT, answer.encode())

    def send(self, text: str) -> None:
        """Send at once."""
        assert self.transport is not None
        self.transport.send(WSMsgType.TEXT, text.encode())

    async def close(self) -> None:
        """Close with code 1000 and wait for the end."""
        assert self.transport is not None
        self.transport.send_close(WSCloseCode.OK)
        await self.transport.wait_disconnected()


async def open_connection(url: str, receive: Receive) -> Connection:
    """With the library's defaults."""
    _, peer = await ws_connect(lambda: Peer(receive), url)
    assert isinstance(peer, Peer)
    return peer


if __name__ == "__main__":
    main("picows", open_connection)
