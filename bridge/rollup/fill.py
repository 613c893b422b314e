"""Fills coarser windows: hours are merged from minutes and days from hours.

An hour is due once each of its minutes since the first window of the source is
finished, whichever job finished the last one (RULES R61, R72). What is due is found
from the ledger alone, so that a fill can be killed, repeated or asked for again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from bridge.rollup.commit import TABLES, Result
from bridge.rollup.deletion import kept
from bridge.rollup.merge import Merger
from bridge.rollup.plan import DIRTY, FINISHED, OPEN, judge_merged
from bridge.rollup.rows import Rows
from bridge.rollup.windows import Resolution, Window
from models.queries import ledger
from models.queries.rollups import Columns, series_rows, window_rows
from models.queries.series import ids_of_source
from models.rollup import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.database import Database

SHARD: Final = 2000
"""Series merged at once where rows are read by series."""


class Fill:
    """Finds and merges the coarser windows of one source."""

    def __init__(self, db: Database, source: str) -> None:
        self._db = db
        self._source = source
        self._candidates: set[Window] = set()

    def search(self) -> None:
        """Consider every window that is not finished, from the first to the newest."""
        minute = Resolution.MINUTE.value
        newest = ledger.newest(self._db, self._source, minute)
        if newest is None:
            return
        for resolution in (Resolution.HOUR, Resolution.DAY):
            begin = self._begin(resolution)
            if begin is not None:
                self._candidates.update(self._unmerged(resolution, begin, newest))

    def consider(self, window: Window) -> None:
        """Hear that a window was committed: what it is merged into may be due."""
        self._candidates.discard(window)
        parent = window.parent()
        if parent is not None:
            self._candidates.add(parent)

    def put_off(self, window: Window) -> None:
        """Consider a window that failed no more until the next search.

        Or until one of its finer windows is committed.
        """
        self._candidates.discard(window)

    def due(self, resolution: Resolution) -> list[Window]:
        """Return the windows that can be merged now, oldest first.

        A window that is not due is considered again when one of its finer windows is
        committed.
        """
        asked = [w for w in self._candidates if w.resolution is resolution]
        due = {window for window in asked if self._is_complete(window)}
        self._candidates -= set(asked) - due
        return sorted(due, key=lambda window: window.start)

    def merge(self, window: Window) -> Result | None:
        """Merge a window from its finer rows; the caller commits the result.

        Returns None where a finer window is to be done again meanwhile.
        """
        finer = window.resolution.finer
        if finer is None:
            raise ValueError("minutes are not merged from anything")
        entries = ledger.entries(
            self._db, self._source, finer.value, window.start, window.end
        )
        if any(entry.state not in FINISHED for entry in entries):
            return None
        rows = list(self._merged(window, finer))
        return Result(
            source=self._source,
            window=window,
            verdict=judge_merged(
                window.resolution.width // finer.width,
                (entry.state for entry in entries),
            ),
            rows=rows,
            samples=int(sum(block.count.sum() for block in rows)),
        )

    def _begin(self, resolution: Resolution) -> int | None:
        """Return the first second that windows of a resolution are merged from.

        Minutes may have been deleted already when a day is merged from its hours.
        """
        finer = [each for each in Resolution if each.width < resolution.width]
        begins = [ledger.begin(self._db, self._source, each.value) for each in finer]
        begin = min((one for one in begins if one is not None), default=None)
        start = kept.since(self._db, self._source, resolution)
        return begin if begin is None or start is None else max(begin, start)

    def _unmerged(
        self, resolution: Resolution, begin: int, newest: int
    ) -> Iterator[Window]:
        """Yield windows from the first to the newest that are not finished."""
        first = resolution.floor(begin)
        finished = {
            entry.start
            for entry in ledger.entries(
                self._db, self._source, resolution.value, first, newest + 1
            )
            if entry.state not in (OPEN, DIRTY)
        }
        for start in range(first, newest + 1, resolution.width):
            if start not in finished:
                yield Window(start, resolution)

    def _is_complete(self, window: Window) -> bool:
        finer = window.resolution.finer
        begin = self._begin(window.resolution)
        if finer is None or begin is None or window.end <= begin:
            return False
        if kept.is_gone(self._db, self._source, window):
            return False
        since = max(window.start, finer.floor(begin))
        entries = ledger.entries(self._db, self._source, finer.value, since, window.end)
        wanted = (window.end - since) // finer.width
        return sum(entry.state in FINISHED for entry in entries) == wanted

    def _merged(self, window: Window, finer: Resolution) -> Iterator[Rows]:
        """Read the finer rows the way their table is ordered, and merge them."""
        table = TABLES[finer]
        if finer is Resolution.MINUTE:
            merger = Merger(window.resolution)
            for child in window.children():
                found = window_rows(self._db, table, child.start, self._source)
                merger.add(_rows(found))
            yield merger.result()
            return
        ids = ids_of_source(self._db, self._source)
        for low in range(0, len(ids), SHARD):
            found = series_rows(
                self._db, table, ids[low : low + SHARD], window.start, window.end
            )
            yield _merged_by_window(_rows(found), window.resolution)


def _merged_by_window(rows: Rows, resolution: Resolution) -> Rows:
    """Merge rows that are sorted by series, one finer window after the other."""
    merger = Merger(resolution)
    for start in np.unique(rows.start):
        at = rows.start == start
        merger.add(Rows(**{name: getattr(rows, name)[at] for name in COLUMNS}))
    return merger.result()


def _rows(columns: Columns) -> Rows:
    return Rows(**{name: getattr(columns, name) for name in COLUMNS})
