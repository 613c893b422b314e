"""Deleting what is no longer kept, a bite at a time.

Minutes are clustered by time, so whole windows go at once; hours and days are clustered
by series, so many windows of few series go at once. The caller opens the transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.base import table_name
from models.dialect import number_list, numbers, rows_of
from models.queries import coverage, ledger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from peewee import Database

    from models.rollup import Ints, Rollup

_MINUTE: Final = 60
_DAY: Final = 86400
_ALWAYS: Final = -(2**62)
_UNFINISHED: Final = ("open", "dirty")


def oldest_unfinished(db: Database, source: str, resolution: str) -> int | None:
    """Return the start of the oldest window that is open or dirty."""
    one = (
        "SELECT MIN(start) AS start FROM ledger WHERE state = ? AND source = ? "
        "AND resolution = ?"
    )
    params = [part for state in _UNFINISHED for part in (state, source, resolution)]
    sql = f"SELECT MIN(start) FROM ({' UNION ALL '.join([one] * 2)}) AS oldest"  # noqa: S608 - own words
    rows: list[Any] = rows_of(db, sql, params)
    found: int | None = rows[0][0]
    return found


def unbroken_end(db: Database, names: Sequence[str]) -> int | None:
    """Return until when the ledger of any source has every minute, UTC seconds."""
    ends = []
    for name in names:
        begin, newest = (of(db, name, "minute") for of in (ledger.begin, ledger.newest))
        if begin is not None and newest is not None:
            end = newest + _MINUTE
            missing = coverage.gaps(db, name, "minute", begin, end, width=_MINUTE)
            ends.append(missing[0][0] if missing else end)
    return max(ends, default=None)


def sources(db: Database) -> list[str]:
    """Return the names of all sources that have series, sorted."""
    rows: list[Any] = rows_of(db, "SELECT DISTINCT source FROM series ORDER BY source")
    return [source for (source,) in rows]


def keeps_minutes(db: Database, start: int | None, end: int) -> bool:
    """Whether any source keeps any of its minutes of `[start, end)`."""
    rows: list[Any] = rows_of(
        db,
        "SELECT 1 FROM (SELECT DISTINCT source FROM ledger "
        "WHERE resolution = 'minute' AND start >= ? AND start < ?) AS named "
        "WHERE COALESCE((SELECT MIN(since) FROM retained "
        "WHERE retained.source = named.source AND resolution = 'minute'), ?) < ? "
        "LIMIT 1",
        (_ALWAYS if start is None else start, end, _ALWAYS, end),
    )
    return bool(rows)


def size(
    db: Database, source: str, resolution: str, start: int | None, end: int
) -> tuple[int, int]:
    """Return how many windows of `[start, end)` there are, and their rows."""
    start = _ALWAYS if start is None else start
    rows: list[Any] = rows_of(
        db,
        "SELECT COUNT(*), COALESCE(SUM(series), 0) FROM ledger WHERE source = ? "
        "AND resolution = ? AND start >= ? AND start < ?",
        (source, resolution, start, end),
    )
    return int(rows[0][0]), int(rows[0][1])


def bite(  # noqa: PLR0917 - a span of a source, and how much of it
    db: Database,
    source: str,
    resolution: str,
    start: int | None,
    end: int,
    most: int,
) -> list[int]:
    """Return the oldest windows of `[start, end)` with together at most `most` rows.

    At least one, if there is any, and no more than a day of minutes.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT start, series FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ? ORDER BY start LIMIT 1440",
        (source, resolution, _ALWAYS if start is None else start, end),
    )
    fits = np.searchsorted(np.cumsum([series for _, series in rows]), most, "right")
    return [each for each, _ in rows[: max(int(fits), 1)]]


def delete_windows(
    db: Database, table: type[Rollup], source: str, starts: Sequence[int]
) -> int:
    """Delete all rows of a source in some windows; return how many."""
    sql = (
        f"DELETE FROM {table_name(table)} WHERE start IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'starts')})"
    )
    params: list[object] = [number_list(db, starts)]
    if not _is_only(db, source):
        sql += " AND series_id IN (SELECT id FROM series WHERE source = ?)"
        params.append(source)
    return _changed(db, sql, params)


def delete_of_series(
    db: Database, table: type[Rollup], start: int, series_ids: Ints
) -> int:
    """Delete the rows of some series in one window; return how many."""
    sql = (
        f"DELETE FROM {table_name(table)} WHERE start = ? "  # noqa: S608 - own names
        f"AND series_id IN (SELECT value FROM {numbers(db, 'ids')})"
    )
    return _changed(db, sql, (start, number_list(db, series_ids)))


def count_by_window(
    db: Database, table: type[Rollup], series_ids: Ints, end: int
) -> list[tuple[int, int]]:
    """Return (start, rows) of the windows before `end` that hold some series."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT start, COUNT(*) FROM {table_name(table)} WHERE series_id IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'ids')}) AND start < ? GROUP BY start",
        (number_list(db, series_ids), end),
    )
    return rows


def delete_before(db: Database, table: type[Rollup], series_ids: Ints, end: int) -> int:
    """Delete the rows of some series that start before `end`; return how many."""
    sql = (
        f"DELETE FROM {table_name(table)} WHERE series_id IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'ids')}) AND start < ?"
    )
    return _changed(db, sql, (number_list(db, series_ids), end))


def forget(
    db: Database, source: str, resolution: str, end: int, start: int | None = None
) -> int:
    """Delete the ledger's entries of `[start, end)`; return how many."""
    sql = (
        "DELETE FROM ledger WHERE source = ? AND resolution = ? "
        "AND start >= ? AND start < ?"
    )
    since = _ALWAYS if start is None else start
    return _changed(db, sql, (source, resolution, since, end))


def fewer(db: Database, source: str, resolution: str, start: int, rows: int) -> None:
    """Note in the ledger that a window has fewer rows than it had."""
    sql = (
        "UPDATE ledger SET series = series - ? "
        "WHERE source = ? AND resolution = ? AND start = ?"
    )
    _changed(db, sql, (rows, source, resolution, start))


def delete_old(db: Database, table: str, column: str, before: int, most: int) -> int:
    """Delete about `most` of the oldest rows before a time; return how many.

    `column` is indexed; rows of the same time go together.
    """
    rows: list[Any] = rows_of(
        db,
        f"SELECT {column} FROM {table} WHERE {column} < ? "  # noqa: S608 - own names
        f"ORDER BY {column} LIMIT 1 OFFSET ?",
        (before, most),
    )
    end = rows[0][0] + 1 if rows else before
    return _changed(db, f"DELETE FROM {table} WHERE {column} < ?", (min(end, before),))  # noqa: S608 - own names


def count_old(db: Database, table: str, column: str, before: int) -> tuple[int, int]:
    """Return how many rows are older than a time, and the time of the oldest."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT COUNT(*), COALESCE(MIN({column}), 0) FROM {table} WHERE {column} < ?",  # noqa: S608 - own names
        (before,),
    )
    return int(rows[0][0]), int(rows[0][1])


def calendars_in_ledger(db: Database, source: str) -> list[str]:
    """Return the resolutions of all calendars that a source has days of."""
    rows: list[Any] = rows_of(db, "SELECT name FROM calendars ORDER BY name")
    names = (f"day@{name}" for (name,) in rows)
    return [name for name in names if ledger.begin(db, source, name) is not None]


def delete_local_days(db: Database, calendar: str, series_ids: Ints, end: int) -> int:
    """Delete the days of a calendar of some series that begin before `end`."""
    sql = (
        "DELETE FROM rollup_local_day WHERE series_id IN "  # noqa: S608 - own names
        f"(SELECT value FROM {numbers(db, 'ids')}) AND calendar = ? AND start < ?"
    )
    return _changed(db, sql, (number_list(db, series_ids), calendar, end))


def finished_days(
    db: Database, source: str, resolution: str, start: int, end: int
) -> list[int]:
    """Return the starts of a calendar's finished days that reach into `[start, end)`.

    With the first one at or after `end`, oldest first.
    """
    rows: list[Any] = rows_of(
        db,
        "SELECT start FROM ledger WHERE source = ? AND resolution = ? "
        "AND state NOT IN ('open', 'dirty') AND start > ? AND start < ? "
        "ORDER BY start",
        (source, resolution, start - 2 * _DAY, end + 2 * _DAY),
    )
    return [day for (day,) in rows]


def _is_only(db: Database, source: str) -> bool:
    rows: list[Any] = rows_of(db, "SELECT MIN(source), MAX(source) FROM series")
    return tuple(rows[0]) == (source, source)


def _changed(db: Database, sql: str, params: Sequence[object]) -> int:
    return int(db.execute_sql(sql.replace("?", db.param), params).rowcount)
