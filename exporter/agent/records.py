"""How finished runs lie in a file: one after the other, each with its checksum.

A record is a mark of four bytes, the length of its payload (uint32), a CRC-32 over
length, stamp and payload (uint32), the stamp in UTC milliseconds (uint64), all little
endian, and the payload. What is torn or damaged is told from what is whole by the
checksum alone, and the mark is where reading goes on behind it.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARK: Final = b"\xe9run"
_HEADER: Final = struct.Struct("<4sIIQ")
_SUMMED: Final = struct.Struct("<IQ")
OVERHEAD: Final = _HEADER.size
"""Bytes of a record beside its payload."""


class Record(NamedTuple):
    """A whole record: when it was written, what it holds, and where it ends."""

    stamp_ms: int
    payload: bytes
    end: int


def encode(stamp_ms: int, payload: bytes) -> bytes:
    """Return the bytes of a record."""
    size = len(payload)
    return _HEADER.pack(_MARK, size, _sum(stamp_ms, payload), stamp_ms) + payload


def decode(content: bytes, start: int = 0) -> Iterator[Record]:
    """Yield the whole records of a file from an offset on; what is none is left out."""
    place = start
    while (place := content.find(_MARK, place)) >= 0:
        record = _record_at(content, place)
        if record is None:
            place += 1
        else:
            yield record
            place = record.end


def _record_at(content: bytes, place: int) -> Record | None:
    if place + OVERHEAD > len(content):
        return None
    _, size, checksum, stamp_ms = _HEADER.unpack_from(content, place)
    begin = place + OVERHEAD
    payload = content[begin : begin + size]
    if len(payload) != size or _sum(stamp_ms, payload) != checksum:
        return None
    return Record(stamp_ms, payload, begin + size)


def _sum(stamp_ms: int, payload: bytes) -> int:
    return zlib.crc32(payload, zlib.crc32(_SUMMED.pack(len(payload), stamp_ms)))
