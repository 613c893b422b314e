"""Questions to the rollup tables.

The minute table is clustered by (start, series_id) and the others by (series_id,
start), so minutes are always asked for by explicit starts and the others by explicit
series: a plain range of minutes of one series would read the whole table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.base import table_name
from models.dialect import is_sqlite, number_list, numbers, pages_of, rows_of
from models.queries.previous import last_before
from models.rollup import COLUMNS, Blobs, Floats, Ints, Rollup, RollupMinute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

__all__ = [
    "Columns",
    "baseline_rows",
    "columns_of",
    "last_before",
    "series_rows",
    "window_rows",
]

_COLUMNS_SQL: Final = ", ".join(f"r.{name}" for name in COLUMNS)
_FLOATS: Final = frozenset({"sum", "min", "max", "first", "last", "increase"})
_MINUTE: Final = 60
_PAGE: Final = 2000
"""Rows that are tuples at once: they take ten times the room of arrays, and become
arrays in half the time while they are in the processor's cache."""

# True for the only source there is, where no row needs to be looked at.
_OF_SOURCE: Final = """(
    ((SELECT MIN(source) FROM series) = ? AND (SELECT MAX(source) FROM series) = ?)
    OR r.series_id IN (SELECT id FROM series WHERE source = ?)
)"""


@dataclass(frozen=True, slots=True)
class Columns:
    """Rollup rows as equally long arrays; NaN stands for NULL, None in `buckets`."""

    series_id: Ints
    start: Ints
    count: Ints
    sum: Floats
    min: Floats
    max: Floats
    first: Floats
    last: Floats
    increase: Floats
    resets: Ints
    expected: Ints
    flags: Ints
    buckets: Blobs
    last_offset: Ints
    gap: Ints
    changes: Ints

    def __len__(self) -> int:
        return len(self.series_id)


def window_rows(db: Database, table: type[Rollup], start: int, source: str) -> Columns:
    """Return all rows of one window of one source, by series."""
    name = table_name(table)
    if table is RollupMinute:
        sql = (
            f"SELECT {_COLUMNS_SQL} FROM {name} r WHERE r.start = ? AND {_OF_SOURCE} "  # noqa: S608 - own names
            "ORDER BY r.series_id"
        )
        return _read(db, sql, (start, source, source, source))
    join = "CROSS JOIN" if is_sqlite(db) else "JOIN"
    on = "WHERE" if is_sqlite(db) else "ON"
    sql = (
        f"SELECT {_COLUMNS_SQL} FROM series s {join} {name} r "  # noqa: S608 - own names
        f"{on} r.series_id = s.id AND r.start = ? AND s.source = ? ORDER BY s.id"
    )
    return _read(db, sql, (start, source))


def series_rows(
    db: Database, table: type[Rollup], series_ids: Ints, start: int, end: int
) -> Columns:
    """Return the rows of some series that start in `[start, end)`.

    Sorted by series and start.
    """
    if table is RollupMinute:
        found = _minutes_of_series(db, series_ids, start, end)
    else:
        found = _rows_of_series(db, table, series_ids, start, end)
    order = np.lexsort((found.start, found.series_id))
    return Columns(*(getattr(found, name)[order] for name in COLUMNS))


def baseline_rows(
    db: Database, source: str, start: int, end: int
) -> list[tuple[int, int]]:
    """Return (start, series_id) of a source's minutes that lack a predecessor.

    These are the rows of `[start, end)` whose flag 1, 32 or 64 is set, oldest first.
    """
    sql = (
        "SELECT r.start, r.series_id FROM rollup_minute r "  # noqa: S608 - own names
        f"WHERE (r.flags & 97) <> 0 AND r.start >= ? AND r.start < ? AND {_OF_SOURCE} "
        "ORDER BY r.start, r.series_id"
    )
    rows: list[Any] = rows_of(db, sql, (start, end, source, source, source))
    return rows


def _rows_of_series(
    db: Database, table: type[Rollup], series_ids: Ints, start: int, end: int
) -> Columns:
    name = table_name(table)
    sql = (
        f"SELECT {_COLUMNS_SQL} FROM {numbers(db, 'ids')} CROSS JOIN {name} r "  # noqa: S608 - own names
        "WHERE r.series_id = ids.value AND r.start >= ? AND r.start < ?"
    )
    return _read(db, sql, (number_list(db, series_ids), start, end))


def _minutes_of_series(db: Database, series_ids: Ints, start: int, end: int) -> Columns:
    starts = _stored_minutes(db, start, end)
    if not len(starts) or not len(series_ids):
        return columns_of([])
    sql = (
        f"SELECT {_COLUMNS_SQL} FROM {numbers(db, 'starts')} "  # noqa: S608 - own names
        f"CROSS JOIN {numbers(db, 'ids')} CROSS JOIN rollup_minute r "
        "WHERE r.start = starts.value AND r.series_id = ids.value"
    )
    return _read(db, sql, (number_list(db, starts), number_list(db, series_ids)))


def _stored_minutes(db: Database, start: int, end: int) -> Ints:
    """Return all minutes of `[start, end)` between the oldest and newest stored."""
    sql = (
        "SELECT (SELECT MIN(start) FROM rollup_minute WHERE start >= ?), "
        "(SELECT MAX(start) FROM rollup_minute WHERE start < ?)"
    )
    rows: list[Any] = rows_of(db, sql, (start, end))
    oldest, newest = rows[0]
    if oldest is None or newest is None:
        return np.empty(0, dtype=np.int64)
    return np.arange(oldest, newest + 1, _MINUTE, dtype=np.int64)


def _read(db: Database, sql: str, params: tuple[object, ...]) -> Columns:
    parts = [columns_of(rows) for rows in pages_of(db, sql, params, _PAGE)]
    if len(parts) <= 1:
        return parts[0] if parts else columns_of([])
    return Columns(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)
    )


def columns_of(rows: list[Any]) -> Columns:
    """Return rows of COLUMNS as arrays."""
    if not rows:
        empty = (np.empty(0, _dtype(name)) for name in COLUMNS)
        return Columns(*empty)
    by_column = zip(COLUMNS, zip(*rows, strict=True), strict=True)
    return Columns(*(_array(name, values) for name, values in by_column))


def _array(name: str, values: Sequence[Any]) -> Any:
    if name != "buckets":
        return np.array(values, _dtype(name))
    blobs = np.empty(len(values), np.object_)
    # Both drivers may hand out views of their own memory.
    blobs[:] = [None if value is None else bytes(value) for value in values]
    return blobs


def _dtype(name: str) -> Any:
    if name == "buckets":
        return np.object_
    return np.float64 if name in _FLOATS else np.int64
