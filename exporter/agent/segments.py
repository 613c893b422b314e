"""The files of a spool: segments of runs, and the note of how far they were sent."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.agent import records

if TYPE_CHECKING:
    from pathlib import Path

_SENT: Final = struct.Struct("<QQ")
_CHECKSUM: Final = struct.Struct("<I")


@dataclass(slots=True)
class Segment:
    """A file of records: how many it has, and how far they have been sent."""

    number: int
    path: Path
    size: int = 0
    records: int = 0
    sent_to: int = 0
    sent: int = 0

    @property
    def unsent(self) -> int:
        """How many of its runs the bridge does not have."""
        return self.records - self.sent


def survey(path: Path, number: int, begin: int) -> Segment:
    """Return what a file of an earlier process holds from an offset on.

    Its torn tail is cut off. Raises OSError.
    """
    content = path.read_bytes()
    found = list(records.decode(content, begin))
    end = found[-1].end if found else begin
    if end < len(content):
        os.truncate(path, end)
    return Segment(number, path, min(end, len(content)), len(found), begin)


def write(handle: int, content: bytes) -> None:
    """Write everything; raise OSError, and part of it may have been written then."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def read_sent(handle: int) -> tuple[int, int]:
    """Return the segment that was sent last and up to where; 0, 0 if it is lost."""
    content = os.pread(handle, _SENT.size + _CHECKSUM.size, 0)
    place, checksum = content[: _SENT.size], content[_SENT.size :]
    if _CHECKSUM.pack(zlib.crc32(place)) != checksum:
        return 0, 0
    number, end = _SENT.unpack(place)
    return number, end


def write_sent(handle: int, number: int, end: int) -> None:
    """Note that a segment was sent up to an offset; raise OSError.

    It is always as long, so that it takes no room on a disk that is full.
    """
    place = _SENT.pack(number, end)
    os.pwrite(handle, place + _CHECKSUM.pack(zlib.crc32(place)), 0)
