"""What was changed after it had been said: restatements, corrections, verifications.

`ledger.first_at` says since when a window has rows; of windows that are older than the
column it is 0, for always.
"""

from typing import Any

from peewee import Database, SqliteDatabase

_STATEMENTS = (
    """
    CREATE TABLE restatements (
        series_id BIGINT NOT NULL,
        resolution TEXT NOT NULL,
        start BIGINT NOT NULL,
        revision INTEGER NOT NULL,
        source TEXT NOT NULL,
        at BIGINT NOT NULL,
        reason TEXT NOT NULL,
        series BIGINT NOT NULL,
        before TEXT,
        after TEXT,
        PRIMARY KEY (series_id, resolution, start, revision, source)
    ) {clustered}
    """,
    "CREATE INDEX restatements_at ON restatements (at)",
    """
    CREATE TABLE corrections (
        id {serial} PRIMARY KEY{autoincrement},
        source TEXT NOT NULL,
        selector TEXT NOT NULL,
        start BIGINT NOT NULL,
        until BIGINT NOT NULL,
        action TEXT NOT NULL,
        note TEXT NOT NULL,
        author TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        applied_at BIGINT,
        revoked_at BIGINT,
        restored_at BIGINT,
        outcome TEXT NOT NULL
    )
    """,
    "CREATE INDEX corrections_source ON corrections (source)",
    """
    CREATE TABLE verifications (
        source TEXT NOT NULL,
        start BIGINT NOT NULL,
        at BIGINT NOT NULL,
        outcome TEXT NOT NULL,
        samples BIGINT NOT NULL,
        found BIGINT NOT NULL,
        series BIGINT NOT NULL,
        differing BIGINT NOT NULL,
        detail TEXT NOT NULL,
        PRIMARY KEY (source, start)
    ) {clustered}
    """,
    "CREATE INDEX verifications_at ON verifications (at)",
    "ALTER TABLE ledger ADD COLUMN first_at BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE ledger ADD COLUMN held BIGINT",
)
_SQLITE = {
    "serial": "INTEGER NOT NULL",
    "autoincrement": " AUTOINCREMENT",
    "clustered": "WITHOUT ROWID",
}
_POSTGRES = {"serial": "BIGSERIAL NOT NULL", "autoincrement": "", "clustered": ""}


def up(migrator: Any, db: Database) -> None:
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    for statement in _STATEMENTS:
        db.execute_sql(statement.format_map(words))


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("ALTER TABLE ledger DROP COLUMN held")
    db.execute_sql("ALTER TABLE ledger DROP COLUMN first_at")
    for table in ("verifications", "corrections", "restatements"):
        db.execute_sql(f"DROP TABLE {table}")
