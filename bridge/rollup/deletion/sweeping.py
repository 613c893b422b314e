"""Deletes the rows of a source before a time, in bites between which others write.

Minutes lie together by time, so a bite is some minutes of all series; hours and days
lie together by series, so a bite is all hours of some series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.rollup.commit import TABLES
from bridge.rollup.windows import Resolution
from models.queries import expiry
from models.queries.series import ids_of_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bridge.rollup.rows import Ints
    from models.database import Database

SHARD: Final = 2000
"""Series of which rows are deleted at once, at most."""


@dataclass(frozen=True, slots=True)
class Bite:
    """What one transaction deleted: windows whose ledger entries went too, and rows."""

    windows: int
    rows: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """The rows of a source at a resolution; `most` rows are deleted at once."""

    db: Database
    source: str
    resolution: Resolution
    most: int

    def windows(self, end: int) -> Iterator[Bite]:
        """Delete everything of the windows before `end`, each step one transaction."""
        if self.resolution is Resolution.MINUTE:
            while (bite := self._minutes(end)) is not None:
                yield bite
            return
        windows, _ = self._size(end)
        if not windows:
            return
        for ids in self._shards(ids_of_source(self.db, self.source), windows):
            with self.db.atomic():
                rows = expiry.delete_before(self.db, TABLES[self.resolution], ids, end)
            yield Bite(0, rows)
        with self.db.atomic():
            gone = expiry.forget(self.db, self.source, self.resolution.value, end)
        yield Bite(gone, 0)

    def series(self, ids: Ints, start: int, end: int) -> Iterator[Bite]:
        """Delete the rows of some series in `[start, end)`; the windows stay."""
        if self.resolution is Resolution.MINUTE:
            while starts := self._bite(start, end):
                yield self._minutes_of(ids, starts)
                start = starts[-1] + Resolution.MINUTE.width
            return
        windows, _ = self._size(end)
        for shard in self._shards(ids, max(windows, 1)):
            yield self._rows_of(shard, end)

    def _minutes(self, end: int) -> Bite | None:
        starts = self._bite(None, end)
        if not starts:
            return None
        with self.db.atomic():
            table = TABLES[Resolution.MINUTE]
            rows = expiry.delete_windows(self.db, table, self.source, starts)
            until = starts[-1] + Resolution.MINUTE.width
            gone = expiry.forget(self.db, self.source, self.resolution.value, until)
        return Bite(gone, rows)

    def _minutes_of(self, ids: Ints, starts: list[int]) -> Bite:
        rows = 0
        table, name = TABLES[Resolution.MINUTE], self.resolution.value
        with self.db.atomic():
            for start in starts:
                gone = expiry.delete_of_series(self.db, table, start, ids)
                expiry.fewer(self.db, self.source, name, start, gone)
                rows += gone
        return Bite(0, rows)

    def _rows_of(self, ids: Ints, end: int) -> Bite:
        table, name = TABLES[self.resolution], self.resolution.value
        with self.db.atomic():
            counted = expiry.count_by_window(self.db, table, ids, end)
            rows = expiry.delete_before(self.db, table, ids, end)
            for start, gone in counted:
                expiry.fewer(self.db, self.source, name, start, gone)
        return Bite(0, rows)

    def _bite(self, start: int | None, end: int) -> list[int]:
        return expiry.bite(
            self.db, self.source, self.resolution.value, start, end, self.most
        )

    def _size(self, end: int) -> tuple[int, int]:
        return expiry.size(self.db, self.source, self.resolution.value, None, end)

    def _shards(self, ids: Ints, windows: int) -> Iterator[Ints]:
        size = min(max(self.most // windows, 1), SHARD)
        for low in range(0, len(ids), size):
            yield ids[low : low + size]
