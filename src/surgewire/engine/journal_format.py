"""How records lie in a journal: the bytes of the file, and the way from them and back.

A header of magic bytes and a format number (uint16), then per record its length (uint32), a
CRC-32 (uint32) and the body, msgpack of ``[type, dict]``. Numbers are little-endian.

Format 2 compresses (zlib) bodies of more than 256 bytes that become shorter by it, and says so in
the top bit of the length; the CRC-32 is that of the length and the body as they lie in the file.
Format 1 compresses nothing, and its CRC-32 is that of the body alone.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import msgpack

from surgewire.errors import UsageError
from surgewire.results.record import Record, record_from_pair, record_to_pair

MAGIC = b"SWJRNL"
FORMAT = 2

_FORMAT = struct.Struct("<H")
_FRAME = struct.Struct("<II")
HEADER = MAGIC + _FORMAT.pack(FORMAT)

_COMPRESS_ABOVE_BYTES = 256
_COMPRESSED = 1 << 31
# Level 6 takes twice the time for a twentieth less.
_LEVEL = 3
# What a body may become when read: many times the largest record, and what a reader can bear.
_MAX_BODY_BYTES = 256 * 1024 * 1024


class JournalError(UsageError):
    """What was to be read is no journal, or one of a newer format."""


def encode(record: Record) -> bytes:
    """Return `record` as it lies in a journal of FORMAT."""
    body: bytes = msgpack.packb(record_to_pair(record))
    flag = 0
    if len(body) > _COMPRESS_ABOVE_BYTES:
        packed = zlib.compress(body, _LEVEL)
        if len(packed) < len(body):
            body, flag = packed, _COMPRESSED
    length = len(body) | flag
    return _FRAME.pack(length, _checksum(FORMAT, length, body)) + body


def read_format(header: bytes) -> int:
    """Return the format number that the first bytes of a file tell.

    Raises JournalError, to follow the name of the file, when they are not those of a journal that
    this version reads.
    """
    if header[: len(MAGIC)] != MAGIC or len(header) < len(HEADER):
        raise JournalError("is no journal of a Surgewire run")
    (number,) = _FORMAT.unpack_from(header, len(MAGIC))
    if number > FORMAT:
        raise JournalError(
            f"has format {number}, which is newer than this version reads "
            f"({FORMAT}); read it with the version of Surgewire that wrote it"
        )
    if number < 1:
        raise JournalError(f"has the unknown format {number}")
    return int(number)


@dataclass(frozen=True, slots=True)
class Frame:
    """One record as it lies in a journal, sound by its checksum."""

    body: bytes
    compressed: bool

    @property
    def size_bytes(self) -> int:
        """What it takes in the file."""
        return _FRAME.size + len(self.body)

    def record(self) -> Record | None:
        """Return the record; None for a kind that a newer minor version added.

        Raises ValueError for what is none.
        """
        try:
            body = _expand(self.body) if self.compressed else self.body
            return record_from_pair(msgpack.unpackb(body))
        except (zlib.error, msgpack.UnpackException) as error:
            raise ValueError(str(error)) from error


def read_frame(file: BinaryIO, remaining: int, format_number: int) -> Frame | None:
    """Read the next frame of the `remaining` bytes; None at the end and for one that is torn."""
    head = file.read(_FRAME.size)
    if len(head) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(head)
    compressed = format_number > 1 and bool(length & _COMPRESSED)
    size = length & ~_COMPRESSED if compressed else length
    if size > remaining - _FRAME.size:
        return None
    body = file.read(size)
    if len(body) < size or _checksum(format_number, length, body) != checksum:
        return None
    return Frame(body, compressed)


def _checksum(format_number: int, length: int, body: bytes) -> int:
    # Without the length, a flag that was flipped would go unseen.
    start = zlib.crc32(length.to_bytes(4, "little")) if format_number > 1 else 0
    return zlib.crc32(body, start)


def _expand(body: bytes) -> bytes:
    expander = zlib.decompressobj()
    whole = expander.decompress(body, _MAX_BODY_BYTES)
    if not expander.eof:
        raise ValueError(f"a record of more than {_MAX_BODY_BYTES >> 20} MiB")
    return whole
