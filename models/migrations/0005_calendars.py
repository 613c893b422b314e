"""Days of time zones: what they are, their rows, and the view that shows them.

The key begins with the series, as in the tables of hours and of UTC days, and holds the
calendar, so that days of several calendars may begin together.
"""

from typing import Any

from peewee import Database, SqliteDatabase

_CALENDARS = """
    CREATE TABLE calendars (
        name TEXT NOT NULL PRIMARY KEY,
        zone TEXT NOT NULL,
        rules TEXT NOT NULL,
        state TEXT NOT NULL,
        changed_at BIGINT NOT NULL
    )
"""
_LOCAL_DAY = """
    CREATE TABLE rollup_local_day (
        series_id BIGINT NOT NULL,
        start BIGINT NOT NULL,
        count BIGINT NOT NULL,
        sum {double},
        min {double},
        max {double},
        first {double},
        last {double},
        increase {double},
        resets INTEGER NOT NULL DEFAULT 0,
        expected BIGINT NOT NULL DEFAULT 0,
        flags INTEGER NOT NULL DEFAULT 0,
        buckets {blob},
        last_offset INTEGER NOT NULL DEFAULT 0,
        gap BIGINT NOT NULL DEFAULT 0,
        changes BIGINT NOT NULL DEFAULT 0,
        calendar TEXT NOT NULL,
        day TEXT NOT NULL,
        until BIGINT NOT NULL,
        PRIMARY KEY (series_id, calendar, start)
    ) {clustered}
"""
_VIEW = """
    CREATE VIEW local_days AS
    SELECT
        r.calendar AS calendar,
        r.day AS day,
        r.start AS start,
        r.until AS until,
        {time} AS time,
        s.source AS source,
        s.metric AS metric,
        s.labels AS labels,
        s.kind AS kind,
        r.count AS count,
        CASE WHEN s.kind = 'histogram' THEN r.sum / NULLIF(r.increase, 0)
            WHEN r.count > 0 THEN r.sum / r.count END AS avg,
        r.min AS min,
        r.max AS max,
        r.sum AS sum,
        r.first AS first,
        r.last AS last,
        r.increase AS increase,
        CASE WHEN r.expected > 0
            THEN CAST(r.count AS {double}) / r.expected END AS coverage,
        r.series_id AS series_id,
        r.resets AS resets,
        r.flags AS flags,
        r.start * 1000 + r.last_offset AS last_at,
        r.gap AS gap,
        r.changes AS changes
    FROM rollup_local_day r JOIN series s ON s.id = r.series_id
"""
_SQLITE = {
    "clustered": "WITHOUT ROWID",
    "double": "REAL",
    "blob": "BLOB",
    "time": "strftime('%Y-%m-%dT%H:%M:%SZ', r.start, 'unixepoch')",
}
_POSTGRES = {
    "clustered": "",
    "double": "DOUBLE PRECISION",
    "blob": "BYTEA",
    "time": "to_char(to_timestamp(r.start) AT TIME ZONE 'UTC', "
    """'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}


def up(migrator: Any, db: Database) -> None:
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    for statement in (_CALENDARS, _LOCAL_DAY, _VIEW):
        db.execute_sql(statement.format_map(words))


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP VIEW local_days")
    # Nobody asks for these entries without the rows that they speak of.
    db.execute_sql("DELETE FROM ledger WHERE substr(resolution, 1, 4) = 'day@'")
    for table in ("rollup_local_day", "calendars"):
        db.execute_sql(f"DROP TABLE {table}")
