"""How large the database is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from models.dialect import is_sqlite, rows_of

if TYPE_CHECKING:
    from peewee import Database

_COUNTED: Final = ("series", "ledger", "error_events", "buffer", "api_keys")
_ROLLUPS: Final = ("minute", "hour", "day")


def database_bytes(db: Database) -> int:
    """Return the bytes on disk: of SQLite's file and its log, or of the database."""
    if is_sqlite(db):
        files = (Path(f"{db.database}{ending}") for ending in ("", "-wal"))
        return sum(file.stat().st_size for file in files if file.exists())
    rows: list[Any] = rows_of(db, "SELECT pg_database_size(current_database())")
    return int(rows[0][0])


def table_rows(db: Database) -> dict[str, int]:
    """Return the rows of each table by its name.

    Those of the rollups are summed from the ledger, as counting them would read them.
    """
    summed: list[Any] = rows_of(
        db, "SELECT resolution, SUM(series) FROM ledger GROUP BY resolution"
    )
    by_resolution = {name: int(total) for name, total in summed}
    rows = {f"rollup_{name}": by_resolution.get(name, 0) for name in _ROLLUPS}
    for table in _COUNTED:
        counted: list[Any] = rows_of(db, f"SELECT COUNT(*) FROM {table}")  # noqa: S608 - own names
        rows[table] = int(counted[0][0])
    return rows
