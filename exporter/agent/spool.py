"""Finished runs on disk until the bridge has them: segments that only grow.

A run is written before it counts as taken, so that whatever kills the process loses
none. It reaches the platter only if it is still unsent a second later, as what is sent
at once need not; the thread that sends sees to that, so that who writes never waits for
a disk. A power cut may cost the runs of that second.

How far the bridge has them is in a file of its own, `sent`; where that is lost, runs
are sent once more, which changes nothing there. A segment that an earlier process wrote
is never written to again, so that `sent` keeps its meaning whatever a crash cut off.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.agent import records
from exporter.agent.segments import Segment, read_sent, survey, write, write_sent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SUFFIX: Final = ".runs"
_SEGMENTS: Final = 16
"""Into so many the spool is divided at least, as whole ones are dropped."""
_LARGEST_SEGMENT: Final = 2**20


@dataclass(frozen=True, slots=True)
class Chunk:
    """The oldest unsent payloads, `segment` and `end` being where they lie."""

    payloads: tuple[bytes, ...]
    segment: int = 0
    end: int = 0


@dataclass(slots=True)
class _Active:
    """The segment that is written to, and what of it may not be on the platter yet."""

    segment: Segment
    handle: int
    dirty: bool = False


class Spool:
    """The segments of a folder, at most `limit` bytes, for one thread at a time.

    `on_drop` hears why, and how many runs, were given up. One process has a folder.
    """

    def __init__(
        self, folder: Path, limit: int, on_drop: Callable[[str, int], None]
    ) -> None:
        self._folder = folder
        self._limit = limit
        self._segment_size = min(limit // _SEGMENTS, _LARGEST_SEGMENT)
        self._on_drop = on_drop
        self._segments: list[Segment] = []
        self._next = 1
        self._active: _Active | None = None
        self._full: dict[int, int] = {}
        self._folder_dirty = False
        self._sent_file: int | None = None
        self._lock_file: int | None = None
        self._in_flight: Chunk | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return self._sent_file is not None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(each.size for each in self._segments)

    @property
    def unsent(self) -> int:
        """How many runs the bridge does not have yet."""
        return sum(each.unsent for each in self._segments)

    def open(self) -> None:
        """Take over what an earlier process left; cut off torn tails.

        Raises OSError if the folder cannot be used, or another process uses it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock()
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._sent_file = os.open(self._folder / "sent", flags, 0o600)
            self._take_over(*read_sent(self._sent_file))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Put everything on the platter and let go of the folder."""
        for handle in self.unsynced():
            with suppress(OSError):  # it was written, and is read at the next start
                os.fsync(handle)
            os.close(handle)
        active = None if self._active is None else self._active.handle
        for each in (active, self._sent_file, self._lock_file):
            if each is not None:
                os.close(each)
        self._active = None
        self._sent_file = self._lock_file = self._in_flight = None
        self._segments = []

    def append(self, stamp_ms: int, payload: bytes) -> None:
        """Write a run, dropping the oldest where the limit leaves no room for it.

        Raises OSError, and the run is not here then.
        """
        record = records.encode(stamp_ms, payload)
        if len(record) > self._limit:
            self._on_drop("too_large", 1)
            return
        while self.size + len(record) > self._limit:
            self._drop_oldest()
        active = self._active_for(len(record))
        try:
            write(active.handle, record)
        except OSError:
            self._undo(active)
            raise
        active.dirty = True
        active.segment.size += len(record)
        active.segment.records += 1

    def next(self, count: int, size: int) -> Chunk | None:
        """Return the oldest unsent runs, at most so many and so many bytes, or None.

        One is returned whatever its size. They stay here until they are `done`. Raises
        OSError when they cannot be read; the segment is given up then.
        """
        while self._segments:
            segment = self._segments[0]
            found = self._read(segment, count, size)
            if found.payloads:
                self._in_flight = found
                return found
            self._forget_damaged(segment)
            self._remove(segment)
        return None

    def done(self, chunk: Chunk) -> None:
        """Forget runs that the bridge has, or never will have.

        Raises OSError if that cannot be written down: then they are forgotten until
        the next start, which sends them again.
        """
        self._in_flight = None
        segment = next((s for s in self._segments if s.number == chunk.segment), None)
        if segment is None:
            return
        segment.sent += len(chunk.payloads)
        segment.sent_to = chunk.end
        if segment.sent_to >= segment.size:
            self._remove(segment)
        elif self._sent_file is not None:
            write_sent(self._sent_file, segment.number, segment.sent_to)

    def give_back(self, chunk: Chunk) -> None:
        """Keep runs for later that could not be sent."""
        self._in_flight = None
        if all(segment.number != chunk.segment for segment in self._segments):
            self._on_drop("spool_full", len(chunk.payloads))

    def oldest_ms(self) -> int | None:
        """Return when the oldest unsent run was written; None if there is none."""
        for segment in self._segments:
            content = segment.path.read_bytes()
            for record in records.decode(content, segment.sent_to):
                return record.stamp_ms
        return None

    def unsynced(self) -> list[int]:
        """Return descriptors of what is not on the platter yet, for fsync and close."""
        handles = list(self._full.values())
        self._full = {}
        if self._active is not None and self._active.dirty:
            handles.append(os.dup(self._active.handle))
            self._active.dirty = False
        if self._folder_dirty:
            handles.append(os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC))
            self._folder_dirty = False
        return handles

    def _lock(self) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        self._lock_file = os.open(self._folder / "lock", flags, 0o600)
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(error.errno, "another exporter uses this folder") from error

    def _take_over(self, sent_number: int, sent_to: int) -> None:
        self._next = sent_number + 1
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if not path.stem.isdecimal():
                continue
            number = int(path.stem)
            self._next = max(self._next, number + 1)
            begin = sent_to if number == sent_number else 0
            segment = survey(path, number, begin)
            if number < sent_number or not segment.unsent:
                path.unlink()
            else:
                self._segments.append(segment)

    def _active_for(self, size: int) -> _Active:
        active = self._active
        if active is not None and active.segment.size + size > self._segment_size:
            self._finish_active()
        if self._active is None:
            path = self._folder / f"{self._next:016d}{_SUFFIX}"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
            self._active = _Active(
                Segment(self._next, path), os.open(path, flags, 0o600)
            )
            self._segments.append(self._active.segment)
            self._next += 1
            self._folder_dirty = True
        return self._active

    def _finish_active(self) -> None:
        """Write no more to the active segment, and leave it to `unsynced`."""
        active, self._active = self._active, None
        if active is not None:
            self._full[active.segment.number] = active.handle

    def _undo(self, active: _Active) -> None:
        """Take back what a failed write left, or leave it to the checksums."""
        try:
            os.ftruncate(active.handle, active.segment.size)
        except OSError:
            active.segment.size = active.segment.path.stat().st_size
            self._finish_active()

    def _read(self, segment: Segment, count: int, size: int) -> Chunk:
        payloads: list[bytes] = []
        taken, end = 0, segment.sent_to
        try:
            content = segment.path.read_bytes()
        except OSError:
            self._on_drop("damaged", segment.unsent)
            self._remove(segment)
            raise
        for record in records.decode(content, segment.sent_to):
            taken += len(record.payload)
            if len(payloads) == count or (payloads and taken > size):
                break
            payloads.append(record.payload)
            end = record.end
        return Chunk(tuple(payloads), segment.number, end)

    def _forget_damaged(self, segment: Segment) -> None:
        if segment.unsent:
            self._on_drop("damaged", segment.unsent)
            segment.sent = segment.records

    def _drop_oldest(self) -> None:
        segment = self._segments[0]
        segment.path.unlink(missing_ok=True)
        self._forget(segment)
        lost = segment.unsent
        flying = self._in_flight
        if flying is not None and flying.segment == segment.number:
            lost -= len(flying.payloads)  # they may have arrived; give_back knows
        if lost:
            self._on_drop("spool_full", lost)

    def _remove(self, segment: Segment) -> None:
        self._forget(segment)
        segment.path.unlink(missing_ok=True)

    def _forget(self, segment: Segment) -> None:
        if self._active is not None and self._active.segment is segment:
            os.close(self._active.handle)
            self._active = None
        if (full := self._full.pop(segment.number, None)) is not None:
            os.close(full)
        if segment in self._segments:
            self._segments.remove(segment)
