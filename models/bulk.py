"""Writing many rollup rows at once, as fast as the drivers allow.

SQLite takes 500 rows per statement with flat parameters. PostgreSQL takes a binary COPY
straight into the table, which is possible whenever no row is there yet; otherwise the
rows go through a temporary table and an upsert.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import peewee
from peewee import Database

from models.base import table_name
from models.copy_rows import binary_copy
from models.dialect import number_list, numbers
from models.postgres import Postgres
from models.rollup import COLUMNS, Rollup, RollupColumns, RollupMinute

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHUNK: Final = 500
_WIDTH: Final = len(COLUMNS)
_NAMES: Final = ", ".join(f'"{name}"' for name in COLUMNS)


def upsert_rollups(db: Database, table: type[Rollup], rows: RollupColumns) -> int:
    """Insert rows, replacing those with the same series and start; return how many.

    NaN becomes NULL, and the sign of zero is dropped, as SQLite does not keep it.
    Opens no transaction of its own on SQLite, a savepoint on PostgreSQL.
    """
    columns = _sorted(table, rows)
    count = len(columns[0])
    if count and isinstance(db, Postgres):
        _upsert_postgres(db, table, columns)
    elif count:
        _upsert_sqlite(db, table, columns)
    return count


def delete_window(
    db: Database,
    table: type[Rollup],
    start: int,
    series_ids: NDArray[np.int64],
) -> int:
    """Delete the rows of these series in the window at `start`; return how many."""
    if not len(series_ids):
        return 0
    listed = numbers(db, "ids")
    cursor = db.execute_sql(
        f'DELETE FROM "{table_name(table)}" WHERE start = {db.param} '  # noqa: S608 - names of our own tables
        f"AND series_id IN (SELECT value FROM {listed})",
        (start, number_list(db, series_ids)),
    )
    return int(cursor.rowcount)


def _sorted(table: type[Rollup], rows: RollupColumns) -> list[NDArray[Any]]:
    columns = [np.asarray(getattr(rows, name)) for name in COLUMNS]
    minor, major = ("series_id", "start")
    if table is not RollupMinute:
        minor, major = major, minor
    keys = (getattr(rows, minor), getattr(rows, major))
    if not _is_sorted(*keys):
        order = np.lexsort(keys)
        columns = [column[order] for column in columns]
    return [_storable(column) for column in columns]


def _storable(column: NDArray[Any]) -> NDArray[Any]:
    if column.dtype.kind == "f":
        return column + 0.0
    return column if column.dtype.kind == "O" else np.asarray(column, np.int64)


def _is_sorted(minor: NDArray[np.int64], major: NDArray[np.int64]) -> bool:
    steps = np.diff(major)
    return bool(np.all((steps > 0) | ((steps == 0) & (np.diff(minor) > 0))))


@lru_cache(maxsize=64)
def _statement(name: str, rows: int) -> str:
    row = f"({','.join('?' * _WIDTH)})"
    values = ",".join([row] * rows)
    return f'INSERT OR REPLACE INTO "{name}" ({_NAMES}) VALUES {values}'  # noqa: S608 - names of our own tables


def _upsert_sqlite(
    db: Database, table: type[Rollup], columns: list[NDArray[Any]]
) -> None:
    # sqlite3 binds a NaN as NULL, so the lists need no second look.
    count = len(columns[0])
    flat: list[Any] = [None] * (count * _WIDTH)
    for index, column in enumerate(columns):
        flat[index::_WIDTH] = column.tolist()
    name = table_name(table)
    for begin in range(0, count, _CHUNK):
        size = min(_CHUNK, count - begin)
        params = flat[begin * _WIDTH : (begin + size) * _WIDTH]
        db.execute_sql(_statement(name, size), params)


def _upsert_postgres(
    db: Postgres, table: type[Rollup], columns: list[NDArray[Any]]
) -> None:
    name = table_name(table)
    payload = binary_copy(columns)
    try:
        with db.atomic():
            db.copy_in(_copying(name), payload)
    except peewee.IntegrityError:
        _replace_through_temporary(db, name, payload)


def _copying(name: str) -> str:
    return f'COPY "{name}" ({_NAMES}) FROM STDIN (FORMAT BINARY)'


def _replace_through_temporary(db: Postgres, name: str, payload: bytes) -> None:
    updates = ", ".join(
        f'"{column}" = EXCLUDED."{column}"'
        for column in COLUMNS
        if column not in {"series_id", "start"}
    )
    with db.atomic():
        db.execute_sql(
            "CREATE TEMPORARY TABLE IF NOT EXISTS incoming_rollups "
            f'(LIKE "{name}" INCLUDING DEFAULTS) ON COMMIT DELETE ROWS'
        )
        db.copy_in(_copying("incoming_rollups"), payload)
        db.execute_sql(
            f'INSERT INTO "{name}" SELECT * FROM incoming_rollups '  # noqa: S608 - names of our own tables
            f"ON CONFLICT (series_id, start) DO UPDATE SET {updates}"
        )
        db.execute_sql("TRUNCATE incoming_rollups")
