"""What a database holds besides rows: to be compared before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.dialect import is_sqlite

if TYPE_CHECKING:
    from peewee import Database

_POSTGRES = """
    SELECT 'column', table_name, column_name, data_type, is_nullable, column_default
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT 'index', tablename, indexname, indexdef, NULL, NULL
    FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT 'view', viewname, definition, NULL, NULL, NULL
    FROM pg_views WHERE schemaname = 'public'
    UNION ALL
    SELECT 'sequence', sequencename, NULL, NULL, NULL, NULL
    FROM pg_sequences WHERE schemaname = 'public'
    ORDER BY 1, 2, 3
"""


def schema(db: Database) -> list[tuple[object, ...]]:
    """Return all tables, columns, indexes and views in a form that can be compared."""
    sql = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    rows: list[tuple[object, ...]] = db.execute_sql(
        sql if is_sqlite(db) else _POSTGRES
    ).fetchall()
    return rows
