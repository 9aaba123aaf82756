"""How often the first packet of a connection was sent, as the kernel tells it.

A SYN that gets no answer is sent again after 1 s, then after more: connections that came about by
the second or the third stand out by seconds, and so do servers whose accept queue is full.
"""

import os
import socket
import struct

SYN_WAIT_NS = 1_000_000_000
"""The kernel's first wait (RFC 6298 section 2.1)."""
_ALMOST = 0.9
# `tcpi_total_retrans` of the kernel's `struct tcp_info`; the eight bytes at its beginning are flags
# and counters of one byte or less, and all that follows up to there are words of 32 bits.
_TOTAL_RETRANS_AT = 100
_WORD = struct.Struct("=I")


def may_be_retransmitted(tcp_ns: int) -> bool:
    """Tell whether connecting took so long that a SYN may have been sent again."""
    return tcp_ns >= _ALMOST * SYN_WAIT_NS


def retransmissions(descriptor: int) -> int:
    """Return how many packets of a TCP connection were sent again; 0 where nobody knows.

    Asked right after connecting these are its SYNs, for nothing else has had the time.
    """
    option = getattr(socket, "TCP_INFO", None)
    if option is None or descriptor < 0:
        return 0
    try:
        with socket.socket(fileno=os.dup(descriptor)) as sock:
            told = sock.getsockopt(socket.IPPROTO_TCP, option, _TOTAL_RETRANS_AT + _WORD.size)
    except OSError:
        return 0
    if len(told) < _TOTAL_RETRANS_AT + _WORD.size:
        return 0
    count: int = _WORD.unpack_from(told, _TOTAL_RETRANS_AT)[0]
    return count
