"""What was asked to be merged into finished windows, and how far that is."""

from typing import Any

from peewee import Database, SqliteDatabase

_BACKFILLS = """
    CREATE TABLE backfills (
        id {serial} PRIMARY KEY{autoincrement},
        source TEXT NOT NULL,
        match TEXT NOT NULL,
        start BIGINT NOT NULL,
        until BIGINT NOT NULL,
        position BIGINT NOT NULL,
        rate BIGINT NOT NULL,
        changed BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        finished_at BIGINT,
        outcome TEXT NOT NULL
    )
"""
_SQLITE = {"serial": "INTEGER NOT NULL", "autoincrement": " AUTOINCREMENT"}
_POSTGRES = {"serial": "BIGSERIAL NOT NULL", "autoincrement": ""}


def up(migrator: Any, db: Database) -> None:
    words = _SQLITE if isinstance(db, SqliteDatabase) else _POSTGRES
    db.execute_sql(_BACKFILLS.format_map(words))
    db.execute_sql("CREATE INDEX backfills_source ON backfills (source)")


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP TABLE backfills")
