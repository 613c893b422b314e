"""What stays for the history that refers to it, and goes with that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from models.dialect import rows_of

if TYPE_CHECKING:
    from peewee import Database

_REFERRING: Final = {
    "destinations": "SELECT 1 FROM probe_results r WHERE r.destination_id = {0}.id",
    "jobs": "SELECT 1 FROM probe_runs r WHERE r.job_id = {0}.id",
}

_FORSAKEN: Final = (
    "closed_ms IS NULL AND kind <> 'failure' AND opened_ms < ? AND NOT EXISTS ("
    "SELECT 1 FROM probe_views v WHERE v.destination_id = probe_spans.destination_id "
    "AND v.agent_id = probe_spans.agent_id AND v.probe = probe_spans.probe "
    "AND v.last_ms >= ?)"
)


def delete(db: Database, table: str, before: int) -> int:
    """Delete destinations or jobs that were deleted before a time and have no history.

    Returns how many.
    """
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


def delete_forsaken(db: Database, before: int) -> int:
    """Delete routes and certificates in use of which nobody told since a time.

    Returns how many. Failures stay: they end when results come again.
    """
    sql = f"DELETE FROM probe_spans WHERE {_FORSAKEN}"  # noqa: S608 - own names
    params = (before, before)
    return int(db.execute_sql(sql.replace("?", db.param), params).rowcount)


def count_forsaken(db: Database, before: int) -> tuple[int, int]:
    """Return how many `delete_forsaken` would delete, and when the first began."""
    rows: list[Any] = rows_of(
        db,
        "SELECT COUNT(*), COALESCE(MIN(opened_ms), 0) FROM probe_spans "  # noqa: S608 - own names
        f"WHERE {_FORSAKEN}",
        (before, before),
    )
    return int(rows[0][0]), int(rows[0][1])


def _condition(table: str) -> str:
    referring = _REFERRING[table].format(table)
    return f"deleted_at <> 0 AND deleted_at < ? AND NOT EXISTS ({referring})"
