"""What the judgement of results remembers, and the hours that it compares."""

from typing import Any

from peewee import Database, SqliteDatabase

_OF_VIEW = """
        destination_id BIGINT NOT NULL,
        agent_id BIGINT NOT NULL,
        probe TEXT NOT NULL
"""
_TABLES = {
    "probe_views": f"""
        {_OF_VIEW},
        status TEXT NOT NULL,
        bad BIGINT NOT NULL,
        good BIGINT NOT NULL,
        began_ms BIGINT,
        last_ms BIGINT NOT NULL,
        seen_ms BIGINT,
        since_ms BIGINT,
        interval_ms BIGINT NOT NULL,
        PRIMARY KEY (destination_id, agent_id, probe)
    """,
    "probe_spans": f"""
        {_OF_VIEW},
        kind TEXT NOT NULL,
        opened_ms BIGINT NOT NULL,
        closed_ms BIGINT,
        value TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (destination_id, agent_id, probe, kind, opened_ms)
    """,
    "probe_hours": f"""
        {_OF_VIEW},
        start_ms BIGINT NOT NULL,
        stale INTEGER NOT NULL,
        sent BIGINT NOT NULL,
        received BIGINT NOT NULL,
        rtt {{double}},
        verdict TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (destination_id, agent_id, probe, start_ms)
    """,
}
_INDEXES = {
    "probe_spans_open": "probe_spans (destination_id) WHERE closed_ms IS NULL",
    "probe_spans_closed_ms": "probe_spans (closed_ms)",
    "probe_hours_stale": "probe_hours (start_ms) WHERE stale = 1",
    "probe_hours_start_ms": "probe_hours (start_ms)",
}


def up(migrator: Any, db: Database) -> None:
    is_sqlite = isinstance(db, SqliteDatabase)
    double = "REAL" if is_sqlite else "DOUBLE PRECISION"
    clustered = " WITHOUT ROWID" if is_sqlite else ""
    for name, columns in _TABLES.items():
        db.execute_sql(
            f"CREATE TABLE {name} ({columns.format(double=double)}){clustered}"
        )
    for name, columns in _INDEXES.items():
        db.execute_sql(f"CREATE INDEX {name} ON {columns}")


def down(migrator: Any, db: Database) -> None:
    for name in reversed(_TABLES):
        db.execute_sql(f"DROP TABLE {name}")
