"""The bounds of histograms, which rows name by their id."""

from typing import Any

from peewee import Database


def up(migrator: Any, db: Database) -> None:
    db.execute_sql(
        "CREATE TABLE layouts (id BIGINT NOT NULL PRIMARY KEY, bounds TEXT NOT NULL)"
    )


def down(migrator: Any, db: Database) -> None:
    db.execute_sql("DROP TABLE layouts")
