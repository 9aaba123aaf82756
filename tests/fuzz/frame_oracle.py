"""What a stream of bytes means as WebSocket frames, by the `websockets` library.

`websockets` parses each frame and each close payload. Around that stands what its Sans-I/O layer
leaves to its callers or does otherwise than we mean to:

- text is validated as it arrives, not when its message is complete;
- a fault in a frame is reported as soon as it has arrived, not when the frame is complete;
- a length that is not in its shortest form is an error;
- a close frame may interrupt a fragmented message, and the limits hold for data frames only.
"""

import codecs
import itertools
from collections.abc import Generator
from typing import NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import CLOSE, CONT, PING, TEXT, Close, Frame

from surgewire._core.frame import Decoder, Event

PROTOCOL, DATA, TOO_BIG = 1002, 1007, 1009
MAX_CONTROL = 125


class ViolationError(Exception):
    """The stream breaks the protocol; `code` is the close code to answer with."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Seen(NamedTuple):
    """Events as (kind, opcode, payload, close code), and the close code of an error."""

    events: list[tuple[str, int, bytes, int | None]]
    fault: int | None


class Reader:
    """Serves `Frame.parse` from the stream, and from filler once the stream has ended."""

    def __init__(self, stream: bytes, masked: bool) -> None:
        self.stream = stream
        self.at = 0
        self.masked = masked
        self.reads: list[bytes] = []
        self.missing = 0

    def read_exact(self, n: int) -> Generator[None, None, bytes]:
        """Give the next `n` bytes; filler continues a header to that of a harmless, empty frame."""
        part = self.stream[self.at : self.at + n]
        self.at += len(part)
        self.missing += n - len(part)
        self.reads.append(part)
        yield from ()
        if len(part) == n:
            return part
        if len(self.reads) == 1:
            return part + bytes([0x80 if self.masked else 0])
        if len(self.reads) == 2 and self.form >= 126:
            return bytes(n)
        return part.ljust(n, b"\0")

    @property
    def form(self) -> int:
        """The 7-bit length, 126 and 127 standing for the extended ones; 0 when it is missing."""
        return self.reads[0][1] & 0x7F if len(self.reads[0]) == 2 else 0


class Oracle:
    """Reads a whole stream in one role, with limits in bytes."""

    def __init__(self, role: str, max_frame: int, max_message: int) -> None:
        self.masked = role == "server"
        self.max_frame = max_frame
        self.max_message = max_message
        self.events: list[tuple[str, int, bytes, int | None]] = []
        self.opcode: int | None = None
        self.message = b""
        self.utf8 = self._text_decoder()

    @staticmethod
    def _text_decoder() -> codecs.IncrementalDecoder:
        return codecs.getincrementaldecoder("utf-8")("strict")

    def read(self, stream: bytes) -> Seen:
        """Return all events of the stream, up to its end, a close frame or an error."""
        reader = Reader(stream, self.masked)
        try:
            while reader.at < len(stream):
                reader.reads, reader.missing = [], 0
                if self._frame(reader):
                    break
        except ViolationError as violation:
            return Seen(self.events, violation.code)
        return Seen(self.events, None)

    def _frame(self, reader: Reader) -> bool:
        """Read one frame; return whether it was a close frame."""
        control = reader.stream[reader.at] & 0x08
        room = self.max_message - len(self.message)
        try:
            frame = parse(reader, MAX_CONTROL if control else min(self.max_frame, room))
        except PayloadTooBig:
            check_form(reader)
            raise ViolationError(TOO_BIG) from None
        except ProtocolError:
            raise ViolationError(PROTOCOL) from None
        check_form(reader)
        if control and reader.form > MAX_CONTROL:
            raise ViolationError(PROTOCOL)
        if control:
            return not reader.missing and self._control(frame)
        self._data(frame, reader)
        return False

    def _control(self, frame: Frame) -> bool:
        payload = bytes(frame.data)
        if frame.opcode is not CLOSE:
            kind = "ping" if frame.opcode is PING else "pong"
            self.events.append((kind, int(frame.opcode), payload, None))
            return False
        try:
            close = Close.parse(payload)
        except ProtocolError:
            raise ViolationError(PROTOCOL) from None
        except UnicodeDecodeError:
            # The code may be bad as well; which of the two is named first is our own choice.
            raise ViolationError(DATA) from None
        self.events.append(("close", 8, payload[2:], int(close.code)))
        return True

    def _data(self, frame: Frame, reader: Reader) -> None:
        if (frame.opcode is CONT) == (self.opcode is None):
            raise ViolationError(PROTOCOL)
        whole = reader.missing == 0
        if frame.opcode is not CONT:
            self.opcode, self.message, self.utf8 = int(frame.opcode), b"", self._text_decoder()
        payload = bytes(frame.data)
        if not whole:
            payload = payload[: max(0, len(payload) - reader.missing)]
        if self.opcode == TEXT:
            try:
                self.utf8.decode(payload, final=whole and frame.fin)
            except UnicodeDecodeError:
                raise ViolationError(DATA) from None
            if cut_surrogate(self.message + payload):
                raise ViolationError(DATA)
        if whole:
            self.message += payload
            if frame.fin:
                assert self.opcode is not None
                self.events.append(("message", self.opcode, self.message, None))
                self.opcode, self.message = None, b""


def parse(reader: Reader, limit: int) -> Frame:
    """Run the parser of `websockets` on the reader, which never waits."""
    try:
        next(Frame.parse(reader.read_exact, mask=reader.masked, max_size=limit))
    except StopIteration as stop:
        frame: Frame = stop.value
        return frame
    raise AssertionError("the reader never waits")


def check_form(reader: Reader) -> None:
    """Refuse a length that is not in its shortest form, or has its top bit set."""
    if reader.form < 126:
        return
    extended = reader.reads[1]
    width, least, most = (2, 126, 0xFFFF) if reader.form == 126 else (8, 0x10000, (1 << 63) - 1)
    if len(extended) == width and not least <= int.from_bytes(extended, "big") <= most:
        raise ViolationError(PROTOCOL)


def cut_surrogate(text: bytes) -> bool:
    """Whether the text ends in the first two bytes of a surrogate, which Python waits to refuse."""
    return len(text) >= 2 and text[-2] == 0xED and text[-1] >= 0xA0


def decode(decoder: Decoder, chunks: list[bytes]) -> list[Event]:
    """All events of a decoder fed with these chunks, each a read of its own."""
    return list(itertools.chain.from_iterable(decoder.feed(chunk) for chunk in chunks))


def compare(
    stream: bytes, chunks: list[bytes], role: str, max_frame: int, max_message: int
) -> list[Event]:
    """Assert that our decoder, fed in chunks, sees in the stream what the oracle sees."""
    decoder = Decoder(role, max_frame=max_frame, max_message=max_message)
    events = decode(decoder, chunks)
    expected = Oracle(role, max_frame, max_message).read(stream)
    fault = None
    found = events
    if events and events[-1].kind == "error":
        fault = events[-1].close_code
        found = events[:-1]
    assert [tuple(event[:4]) for event in found] == expected.events, (stream, expected)
    assert (fault is None) == (expected.fault is None), (stream, events, expected)
    # A frame may break several rules; both then refuse it, each naming the rule it checks first.
    if fault != expected.fault:
        assert {fault, expected.fault} < {PROTOCOL, DATA, TOO_BIG}, (stream, events, expected)
        assert PROTOCOL in (fault, expected.fault), (stream, events, expected)
    return events
