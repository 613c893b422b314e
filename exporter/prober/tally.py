"""The tally: what came of each probe of each destination, in shared memory.

Beside the board, which knows echo requests, this knows outcomes of every kind: whether
the last one succeeded, when it was, how long it took, and how often each reason came.
The prober writes, scrapes in the other process read; every cell is an aligned 64-bit
number, so that none is ever seen half written. Rows are those of the board.
"""

from __future__ import annotations

import mmap
import os
from enum import IntEnum
from typing import TYPE_CHECKING, Final, Self

import numpy as np

from runtime.probing.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

REASONS: Final = tuple(Reason)
PLACE: Final = {str(reason): place for place, reason in enumerate(REASONS)}
"""The columns of reasons, from `Cell.REASON` on."""


class Cell(IntEnum):
    """Columns of a row; `REASON` is the first of as many as there are reasons."""

    SUCCEEDED = 0
    ENDED_MS = 1
    DURATION_NS = 2
    REASON = 3


WIDTH: Final = Cell.REASON + len(REASONS)
_ROW_BYTES: Final = WIDTH * 8


class Tally:
    """Rows of outcomes; grows, and so readers map it anew when a row is beyond."""

    def __init__(self, descriptor: int) -> None:
        """Map what a descriptor holds; `create` and `attach` call this."""
        self.fd: Final = descriptor
        self.rows: Numbers
        self._map()

    @classmethod
    def create(cls, rows: int = 1024) -> Self:
        """Return a new tally with room for so many rows, more when needed."""
        descriptor = os.memfd_create("epimetheus-tally", os.MFD_CLOEXEC)
        os.ftruncate(descriptor, max(rows, 1) * _ROW_BYTES)
        return cls(descriptor)

    @classmethod
    def attach(cls, descriptor: int) -> Self:
        """Return the tally that another process created, for reading."""
        return cls(descriptor)

    def clear(self, rows: Sequence[int]) -> None:
        """Begin rows anew, making room for them."""
        if not rows:
            return
        if max(rows) >= len(self.rows):
            os.ftruncate(self.fd, (2 * max(rows) + 1) * _ROW_BYTES)
            self._map()
        self.rows[list(rows)] = 0

    def note(self, row: int, reason: str, ended_ms: int, seconds: float) -> None:
        """Count an outcome."""
        cells = self.rows[row]
        cells[Cell.SUCCEEDED] = not reason
        cells[Cell.ENDED_MS] = ended_ms
        cells[Cell.DURATION_NS] = round(seconds * 1e9)
        cells[Cell.REASON + PLACE[reason]] += 1

    def note_successes(
        self, rows: Numbers, ended_ms: int, durations_ns: Numbers
    ) -> None:
        """Count a success in each of these rows, none of which is there twice."""
        self.rows[rows, Cell.SUCCEEDED] = 1
        self.rows[rows, Cell.ENDED_MS] = ended_ms
        self.rows[rows, Cell.DURATION_NS] = durations_ns
        self.rows[rows, Cell.REASON] += 1

    def read(self, rows: Sequence[int]) -> Numbers:
        """Return a copy of these rows; those that are not there yet are zeros."""
        if rows and max(rows) >= len(self.rows):
            self._map()
        found = np.zeros((len(rows), WIDTH), np.int64)
        wanted = np.array(rows, np.int64)
        there = wanted < len(self.rows)
        found[there] = self.rows[wanted[there]]
        return found

    def _map(self) -> None:
        size = os.fstat(self.fd).st_size
        cells = np.frombuffer(mmap.mmap(self.fd, size), np.int64)
        self.rows = cells.reshape(-1, WIDTH)
