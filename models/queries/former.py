"""Destinations and jobs that were deleted and stay for what is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of

if TYPE_CHECKING:
    from peewee import Database

_REFERRING: Final = {
    "destinations": "SELECT 1 FROM probe_results r WHERE r.destination_id = {0}.id",
    "jobs": "SELECT 1 FROM probe_runs r WHERE r.job_id = {0}.id",
}


def delete(db: Database, table: str, before: int) -> int:
    """Delete what was deleted before a time and has no history; return how many."""
    sql = f"DELETE FROM {table} WHERE {_condition(table)}"  # noqa: S608 - own names
    return int(db.execute_sql(sql.replace("?", db.param), (before,)).rowcount)


def count(db: Database, table: str, before: int) -> tuple[int, int]:
    """Return how many `delete` would delete, and when the first was deleted."""
    rows: list[Any] = rows_of(
        db,
        f"SELECT COUNT(*), COALESCE(MIN(deleted_at), 0) FROM {table} "  # noqa: S608 - own names
        f"WHERE {_condition(table)}",
        (before,),
    )
    return int(rows[0][0]), int(rows[0][1])


def _condition(table: str) -> str:
    referring = _REFERRING[table].format(table)
    return f"deleted_at <> 0 AND deleted_at < ? AND NOT EXISTS ({referring})"
