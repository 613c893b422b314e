"""Series, rollups, ledger, events, buffer and API keys, with the views of the rollups.

SQLite keeps the rollups and the ledger clustered by their keys (WITHOUT ROWID) and
never gives the id of a deleted series to another one (AUTOINCREMENT).
"""

from typing import Any

from peewee import Database, SqliteDatabase

_TABLES = (
    """
    CREATE TABLE series (
        id {serial} PRIMARY KEY{autoincrement},
        fingerprint BIGINT NOT NULL,
        ordinal INTEGER NOT NULL,
        source TEXT NOT NULL,
        metric TEXT NOT NULL,
        labels TEXT NOT NULL,
        kind TEXT NOT NULL,
        unit TEXT NOT NULL,
        help TEXT NOT NULL,
        workspace TEXT NOT NULL,
        environment TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL
    )
    """,
    "CREATE UNIQUE INDEX series_fingerprint_ordinal ON series (fingerprint, ordinal)",
    "CREATE INDEX series_source ON series (source)",
    "CREATE INDEX series_metric ON series (metric)",
    """
    CREATE TABLE ledger (
        source TEXT NOT NULL,
        resolution TEXT NOT NULL,
        start BIGINT NOT NULL,
        state TEXT NOT NULL,
        samples BIGINT NOT NULL,
        series BIGINT NOT NULL,
        revision INTEGER NOT NULL,
        reason TEXT NOT NULL,
        computed_at BIGINT NOT NULL,
        PRIMARY KEY (source, resolution, start)
    ) {clustered}
    """,
    """
    CREATE INDEX ledger_state_source_resolution_start
        ON ledger (state, source, resolution, start)
    """,
    """
    CREATE TABLE error_events (
        source TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        time BIGINT NOT NULL,
        detector TEXT NOT NULL,
        category TEXT NOT NULL,
        type TEXT NOT NULL,
        message TEXT NOT NULL,
        occurrences BIGINT NOT NULL,
        status INTEGER,
        endpoint TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        span_id TEXT NOT NULL,
        client TEXT NOT NULL,
        workspace TEXT NOT NULL,
        environment TEXT NOT NULL,
        metadata TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        PRIMARY KEY (source, fingerprint, time)
    )
    """,
    "CREATE INDEX error_events_time ON error_events (time)",
    "CREATE INDEX error_events_source_time ON error_events (source, time)",
    """
    CREATE TABLE buffer (
        source TEXT NOT NULL,
        start BIGINT NOT NULL,
        batch BIGINT NOT NULL,
        samples INTEGER NOT NULL,
        payload {blob} NOT NULL,
        PRIMARY KEY (source, start, batch)
    )
    """,
    """
    CREATE TABLE api_keys (
        id {serial} PRIMARY KEY{autoincrement},
        name TEXT NOT NULL,
        prefix TEXT NOT NULL,
        digest TEXT NOT NULL,
        scopes TEXT NOT NULL,
        workspace TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        last_used_at BIGINT,
        revoked_at BIGINT
    )
    """,
    "CREATE UNIQUE INDEX api_keys_name ON api_keys (name)",
    "CREATE UNIQUE INDEX api_keys_prefix ON api_keys (prefix)",
)

_ROLLUP = """
    CREATE TABLE {table} (
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
        PRIMARY KEY ({key})
    ) {clustered}
"""

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
        CASE WHEN r.count > 0 THEN r.sum / r.count END AS avg,
        r.min AS min,
        r.max AS max,
        r.sum AS sum,
        r.first AS first,
        r.last AS last,
        r.increase AS increase,
        CASE WHEN r.expected > 0
            THEN CAST(r.count AS {double}) / r.expected END AS coverage,
        r.series_id AS series_id
    FROM {table} r JOIN series s ON s.id = r.series_id
"""

_LEVELS = (
    ("rollup_minute", "minutes", "start, series_id"),
    ("rollup_hour", "hours", "series_id, start"),
    ("rollup_day", "days", "series_id, start"),
)

_SQLITE = {
    "serial": "INTEGER NOT NULL",
    "autoincrement": " AUTOINCREMENT",
    "clustered": "WITHOUT ROWID",
    "double": "REAL",
    "blob": "BLOB",
    "time": "strftime('%Y-%m-%dT%H:%M:%SZ', r.start, 'unixepoch')",
}

_POSTGRES = {
    "serial": "BIGSERIAL NOT NULL",
    "autoincrement": "",
    "clustered": "",
    "double": "DOUBLE PRECISION",
    "blob": "BYTEA",
    "time": "to_char(to_timestamp(r.start) AT TIME ZONE 'UTC', "
    """'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
}


def up(migrator: Any, db: Database) -> None:
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    for statement in _TABLES:
        db.execute_sql(statement.format_map(words))
    for table, view, key in _LEVELS:
        db.execute_sql(_ROLLUP.format(table=table, key=key, **words))
        db.execute_sql(_VIEW.format(table=table, view=view, **words))
    db.execute_sql(
        "CREATE INDEX rollup_minute_baseline ON rollup_minute (start, series_id) "
        "WHERE (flags & 1) = 1"
    )


def down(migrator: Any, db: Database) -> None:
    for table, view, _ in _LEVELS:
        db.execute_sql(f"DROP VIEW {view}")
        db.execute_sql(f"DROP TABLE {table}")
    for table in ("api_keys", "buffer", "error_events", "ledger", "series"):
        db.execute_sql(f"DROP TABLE {table}")
