import socket
import time

from surgewire.engine.way import syn

S = 1_000_000_000


def test_who_is_asked() -> None:
    assert not syn.may_be_retransmitted(S // 2)
    assert syn.may_be_retransmitted(S)
    assert syn.may_be_retransmitted(3 * S)


def test_a_connection_at_the_first_try() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
    ):
        assert syn.retransmissions(sock.fileno()) == 0
        # The caller's socket is as open as before.
        assert sock.send(b"x") == 1


def test_a_connection_that_knocked_twice() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        with socket.socket() as sock:
            sock.setblocking(False)
            began = time.monotonic()
            sock.connect_ex(server.getsockname())
            accepted = [server.accept()[0]]
            server.settimeout(5)
            while not _connected(sock):
                accepted.append(server.accept()[0])
            assert time.monotonic() - began > 0.9
            assert syn.retransmissions(sock.fileno()) >= 1
        for other in (*fillers, *accepted):
            other.close()


def _connected(sock: socket.socket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def test_what_is_no_tcp_socket_is_not_counted() -> None:
    assert syn.retransmissions(-1) == 0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert syn.retransmissions(ours.fileno()) == 0
