"""The board: counters in shared memory that one process writes and others read.

The prober counts here with plain stores, and a scrape in another process reads without
asking it anything. Every cell is an aligned 64-bit number that one process alone
writes, so that none is ever seen half written; a sequence number that is odd while a
batch is being written (a seqlock) lets readers take rows that fit together.
"""

from __future__ import annotations

import mmap
import os
import time
from collections import deque
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from exporter.prober.cells import (
    BOUNDS_NS,
    BUCKETS,
    ERROR_BOUNDS_NS,
    WIDTH,
    Cell,
    Head,
    Snapshot,
)

if TYPE_CHECKING:
    from types import TracebackType

    from exporter.prober.cells import Numbers

_BOUNDS: Final = np.array(BOUNDS_NS, np.int64)
_ERROR_BOUNDS: Final = np.array(ERROR_BOUNDS_NS, np.int64)
_LASTS: Final = slice(Cell.LAST_TTL, Cell.LAST_RECEIVED + 1)
_MAGIC: Final = 0x45_50_49_4D_42_44_01
_HEADER: Final = 4096
_REST_SECONDS: Final = 120.0
_PATIENCE: Final = 0.25
"""Seconds for a batch to end, as its writer may wait for a CPU meanwhile."""
_PAUSE: Final = 0.0002


class BoardError(Exception):
    """The shared memory is not a board."""


class Board:
    """Rows of counters, one for each slot; grows as slots are claimed.

    The file only grows, so that rows stay where they are: whoever reads looks at the
    capacity in the head and maps anew when it rose. Only the process that created the
    board may write. `with board:` makes what is written inside appear at once.
    """

    def __init__(self, descriptor: int) -> None:
        """Map what a descriptor holds; raises BoardError if that is no board."""
        self.fd: Final = descriptor
        self._resting: deque[tuple[float, int]] = deque()
        self._map()

    @classmethod
    def create(cls, slots: int = 1024) -> Self:
        """Return a new board with room for so many slots, and for more when claimed."""
        descriptor = os.memfd_create("epimetheus-board", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, _size(slots))
        os.pwrite(descriptor, _MAGIC.to_bytes(8, "little"), Head.MAGIC * 8)
        board = cls(descriptor)
        board.head[Head.CAPACITY] = slots
        return board

    @classmethod
    def attach(cls, descriptor: int) -> Self:
        """Return the board that another process created; raises BoardError."""
        return cls(descriptor)

    def close(self) -> None:
        """Let go of the descriptor; the memory goes with the last view of it."""
        os.close(self.fd)

    def claim(self, now: float = 0.0) -> int:
        """Return a slot with an empty row.

        `now` are seconds of the clock that `release` gets. A slot that was released is
        claimed again only after some time, as replies to it may still come.
        """
        if self._resting and now - self._resting[0][0] >= _REST_SECONDS:
            slot = self._resting.popleft()[1]
        else:
            slot = int(self.head[Head.SLOTS])
            if slot == self.head[Head.CAPACITY]:
                self._grow(2 * slot)
        with self:
            self.rows[slot] = 0
            self.rows[slot, _LASTS] = -1
            self.head[Head.SLOTS] = max(int(self.head[Head.SLOTS]), slot + 1)
        return slot

    def release(self, slot: int, now: float = 0.0) -> None:
        """Give a slot back."""
        self._resting.append((now, slot))

    def row(self, slot: int) -> Numbers:
        """Return a copy of a slot's row; raises IndexError for one never claimed."""
        taken: Numbers = self.read().rows[slot]
        return taken

    def read(self) -> Snapshot:
        """Return all rows as they stood together at one moment.

        A batch takes some 0.1 ms. Where the writer was stopped in the midst of one,
        rows are taken as they are: then parts of a row may differ by that batch.
        """
        if self.head[Head.CAPACITY] > len(self.rows):
            self._map()
        give_up = time.monotonic() + _PATIENCE
        while time.monotonic() < give_up:
            before = int(self.head[Head.SEQUENCE])
            if before % 2 == 0:
                taken = self._copy()
                if int(self.head[Head.SEQUENCE]) == before:
                    return taken
            time.sleep(_PAUSE)
        return self._copy()

    def __enter__(self) -> Self:
        self.head[Head.SEQUENCE] += 1
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.head[Head.SEQUENCE] += 1

    def count(self, slots: Numbers, cell: Cell) -> None:
        """Count one for each slot named, as often as it is named."""
        np.add.at(self._cells, slots * WIDTH + int(cell), 1)

    def answered(self, slots: Numbers, nanoseconds: Numbers, ttls: Numbers) -> None:
        """Count replies with their round-trip times and what was left of their TTL."""
        rows = slots * WIDTH
        buckets = np.searchsorted(_BOUNDS, nanoseconds) + int(Cell.BUCKET)
        counted = (rows + int(Cell.REQUESTS), rows + int(Cell.REPLIES), rows + buckets)
        np.add.at(self._cells, np.concatenate(counted), 1)
        np.add.at(self._cells, rows + int(Cell.SUM_NS), nanoseconds)
        self._cells[rows + int(Cell.LAST_TTL)] = ttls
        self._cells[rows + int(Cell.LAST_RTT_NS)] = nanoseconds

    def observe(self, nanoseconds: Numbers, histogram: Head) -> None:
        """Add durations to `Head.LAG` or `Head.STAMP`."""
        buckets = np.searchsorted(_ERROR_BOUNDS, nanoseconds)
        self.head[histogram : histogram + BUCKETS] += np.bincount(
            buckets, minlength=BUCKETS
        )
        self.head[histogram + BUCKETS] += int(nanoseconds.sum())

    def add(self, cell: Head, amount: int = 1) -> None:
        """Count in the board's head, or down with a negative amount."""
        self.head[cell] += amount

    def _copy(self) -> Snapshot:
        slots = int(self.head[Head.SLOTS])
        return Snapshot(self.rows[:slots].copy(), self.head.copy())

    def _grow(self, slots: int) -> None:
        os.ftruncate(self.fd, _size(slots))
        self._map()
        self.head[Head.CAPACITY] = slots

    def _map(self) -> None:
        size = os.fstat(self.fd).st_size
        if size < _size(1):
            raise BoardError(f"a board has at least {_size(1)} bytes, this has {size}")
        cells = np.frombuffer(mmap.mmap(self.fd, size), np.int64)
        if cells[Head.MAGIC] != _MAGIC:
            raise BoardError("the shared memory is not a board of this version")
        self.head: Numbers = cells[: _HEADER // 8]
        self._cells: Numbers = cells[_HEADER // 8 :]
        self.rows: Numbers = self._cells.reshape(-1, WIDTH)


def _size(slots: int) -> int:
    return _HEADER + slots * WIDTH * 8
