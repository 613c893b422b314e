"""What a row rests on: when its last sample was, what is missing, how often it changed.

Columns are only added, so that no table is copied. The views tell them too, and give a
histogram's mean as what it is: the sum of its observations over their number.
"""

from typing import Any

from peewee import Database, SqliteDatabase

_TABLES = ("rollup_minute", "rollup_hour", "rollup_day")
_COLUMNS = (
    "last_offset INTEGER NOT NULL DEFAULT 0",
    "gap BIGINT NOT NULL DEFAULT 0",
    "changes BIGINT NOT NULL DEFAULT 0",
)
_VIEWS = (
    ("rollup_minute", "minutes"),
    ("rollup_hour", "hours"),
    ("rollup_day", "days"),
)
_VIEW = """
    CREATE VIEW {view} AS
    SELECT
        {time} AS time,
        r.start AS start,
        s.source AS source,
        s.metric AS metric,
        s.labels AS labels,
        s.kind AS kind,
        r.count AS count,
        {mean} AS avg,
        r.min AS min,
        r.max AS max,
        r.sum AS sum,
        r.first AS first,
        r.last AS last,
        r.increase AS increase,
        CASE WHEN r.expected > 0
            THEN CAST(r.count AS {double}) / r.expected END AS coverage,
        r.series_id AS series_id{more}
    FROM {table} r JOIN series s ON s.id = r.series_id
"""
_OLD_MEAN = "CASE WHEN r.count > 0 THEN r.sum / r.count END"
_MEAN = (
    "CASE WHEN s.kind = 'histogram' THEN r.sum / NULLIF(r.increase, 0) "
    "WHEN r.count > 0 THEN r.sum / r.count END"
)
_MORE = (
    ", r.resets AS resets, r.flags AS flags, "
    "r.start * 1000 + r.last_offset AS last_at, r.gap AS gap, r.changes AS changes"
)
_SQLITE = {
    "double": "REAL",
    "time": "strftime('%Y-%m-%dT%H:%M:%SZ', r.start, 'unixepoch')",
}
_POSTGRES = {
    "double": "DOUBLE PRECISION",
    "time": "to_char(to_timestamp(r.start) AT TIME ZONE 'UTC', "
    """'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}


def up(migrator: Any, db: Database) -> None:
    for table in _TABLES:
        for column in _COLUMNS:
            db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
    _create_views(db, mean=_MEAN, more=_MORE)


def down(migrator: Any, db: Database) -> None:
    _create_views(db, mean=_OLD_MEAN, more="")
    for table in _TABLES:
        for column in reversed(_COLUMNS):
            db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {column.split()[0]}")


def _create_views(db: Database, *, mean: str, more: str) -> None:
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    for table, view in _VIEWS:
        db.execute_sql(f"DROP VIEW {view}")
        db.execute_sql(
            _VIEW.format(view=view, table=table, mean=mean, more=more, **words)
        )
