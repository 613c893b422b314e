"""Rows whose first sample had no predecessor, also those that counted it wholly.

They are done again when an earlier window brings one, so the index that finds them
holds all three: bits 1, 32 and 64 of the flags.
"""

from typing import Any

from peewee import Database

_CREATE = "CREATE INDEX rollup_minute_baseline ON rollup_minute (start, series_id)"


def up(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP INDEX rollup_minute_baseline")
    db.execute_sql(f"{_CREATE} WHERE (flags & 97) <> 0")


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP INDEX rollup_minute_baseline")
    db.execute_sql(f"{_CREATE} WHERE (flags & 1) = 1")
