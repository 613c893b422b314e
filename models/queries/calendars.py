"""Calendars, and the rows of their days.

The rows are clustered by (series_id, calendar, start), so they are always asked for by
explicit series.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.dialect import is_sqlite, number_list, numbers, rows_of
from models.queries.rollups import columns_of
from models.rollup import COLUMNS, RollupColumns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peewee import Database

    from models.queries.rollups import Columns
    from models.rollup import Ints

KEPT: Final = "kept"
RETIRED: Final = "retired"
"""States of calendars."""

_LISTED: Final = ("name", "zone", "rules", "state", "changed_at")
_NAMES: Final = (*COLUMNS, "calendar", "day", "until")
_COLUMNS_SQL: Final = ", ".join(f"r.{name}" for name in COLUMNS)
_CHUNK: Final = 400
"""Rows of one statement; SQLite takes at most 32,766 values."""
_OF_SOURCE: Final = "series_id IN (SELECT id FROM series WHERE source = ?)"


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the calendars table; see `models.calendar.Calendar`."""

    name: str
    zone: str
    rules: str
    state: str
    changed_at: int


@dataclass(frozen=True, slots=True)
class Day:
    """A local day as its rows name it: `[start, until)`, UTC seconds."""

    calendar: str
    day: str
    start: int
    until: int


def listed(db: Database) -> list[Listed]:
    """Return all calendars, by name."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT {', '.join(_LISTED)} FROM calendars ORDER BY name",  # noqa: S608 - own names
    )
    return [Listed(*row) for row in rows]


def write(db: Database, calendar: Listed) -> None:
    """Write a calendar, replacing the one of that name."""
    updates = ", ".join(f"{name} = EXCLUDED.{name}" for name in _LISTED[1:])
    sql = (
        f"INSERT INTO calendars ({', '.join(_LISTED)}) VALUES (?, ?, ?, ?, ?) "  # noqa: S608 - own names
        f"ON CONFLICT (name) DO UPDATE SET {updates}"
    )
    db.execute_sql(sql.replace("?", db.param), astuple(calendar))


def sources_of(db: Database, resolution: str) -> list[str]:
    """Return the sources that have windows of a resolution in the ledger."""
    rows: list[Any] = rows_of(
        db,
        "SELECT DISTINCT source FROM ledger WHERE resolution = ? ORDER BY source",
        (resolution,),
    )
    return [source for (source,) in rows]


def reopen(db: Database, resolution: str, reason: str, now: int) -> None:
    """Have all finished windows of a resolution done again, of every source."""
    sql = (
        "UPDATE ledger SET state = 'dirty', reason = ?, computed_at = ? "
        "WHERE resolution = ? AND state IN ('done', 'partial', 'lost')"
    )
    db.execute_sql(sql.replace("?", db.param), (reason, now, resolution))


def day_rows(db: Database, source: str, calendar: str, start: int) -> Columns:
    """Return all rows of one local day of one source, by series."""
    join = "CROSS JOIN" if is_sqlite(db) else "JOIN"
    on = "WHERE" if is_sqlite(db) else "ON"
    sql = (
        f"SELECT {_COLUMNS_SQL} FROM series s {join} rollup_local_day r "  # noqa: S608 - own names
        f"{on} r.series_id = s.id AND r.calendar = ? AND r.start = ? "
        "AND s.source = ? ORDER BY s.id"
    )
    return columns_of(rows_of(db, sql, (calendar, start, source)))


def rows_of_series(
    db: Database, calendar: str, series_ids: Ints, start: int, end: int
) -> tuple[Columns, Ints]:
    """Return the rows of some series that start in `[start, end)`, and their ends.

    In any order.
    """
    sql = (
        f"SELECT {_COLUMNS_SQL}, r.until FROM {numbers(db, 'ids')} "  # noqa: S608 - own names
        "CROSS JOIN rollup_local_day r WHERE r.series_id = ids.value "
        "AND r.calendar = ? AND r.start >= ? AND r.start < ?"
    )
    params = (number_list(db, series_ids), calendar, start, end)
    rows: list[Any] = rows_of(db, sql, params)
    until = np.array([row[-1] for row in rows], dtype=np.int64)
    return columns_of([row[:-1] for row in rows]), until


def replace_day(db: Database, source: str, day: Day, rows: RollupColumns) -> None:
    """Write the rows of a local day of a source in place of all that it had."""
    delete_day(db, source, day.calendar, day.start)
    names = ", ".join(f'"{name}"' for name in _NAMES)
    mark = f"({', '.join([db.param] * len(_NAMES))})"
    fixed = (day.calendar, day.day, day.until)
    for chunk in _chunks(rows):
        sql = (
            f"INSERT INTO rollup_local_day ({names}) VALUES "  # noqa: S608 - own names
            + ", ".join([mark] * len(chunk))
        )
        params = [value for row in chunk for value in (*row, *fixed)]
        db.execute_sql(sql, params)


def delete_day(db: Database, source: str, calendar: str, start: int) -> int:
    """Delete the rows of a local day of a source; return how many there were."""
    sql = f"DELETE FROM rollup_local_day WHERE calendar = ? AND start = ? AND {_OF_SOURCE}"  # noqa: S608, E501 - own names
    cursor = db.execute_sql(sql.replace("?", db.param), (calendar, start, source))
    return int(cursor.rowcount)


def _chunks(rows: RollupColumns) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows as the drivers take them: None for NaN, and no minus zero."""
    columns = [np.asarray(getattr(rows, name)) for name in COLUMNS]
    for low in range(0, len(columns[0]), _CHUNK):
        listed = [_values(column[low : low + _CHUNK]) for column in columns]
        yield list(zip(*listed, strict=True))


def _values(column: Any) -> list[Any]:
    if column.dtype.kind != "f":
        found: list[Any] = column.tolist()
        return found
    return [None if value != value else value + 0.0 for value in column.tolist()]  # noqa: PLR0124 - only NaN differs from itself
