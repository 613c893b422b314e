"""Since when rows are kept, where older ones were deleted on purpose."""

from typing import Any

from peewee import Database, SqliteDatabase

_RETAINED = """
    CREATE TABLE retained (
        source TEXT NOT NULL,
        resolution TEXT NOT NULL,
        selector TEXT NOT NULL,
        since BIGINT NOT NULL,
        swept BIGINT NOT NULL,
        changed_at BIGINT NOT NULL,
        PRIMARY KEY (source, resolution, selector)
    ) {clustered}
"""


def up(migrator: Any, db: Database) -> None:
    clustered = "WITHOUT ROWID" if isinstance(db, SqliteDatabase) else ""
    db.execute_sql(_RETAINED.format(clustered=clustered))


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP TABLE retained")
