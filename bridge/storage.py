"""Opens the database that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.database import open_database
from models.migrate import Migrations
from models.move import MoveRefused, is_unfinished
from runtime.config import read_secret

if TYPE_CHECKING:
    from models.database import Database
    from runtime import settings


def open_store(wanted: settings.Database) -> Database:
    """Return the database, not yet connected.

    Raises SettingsError for a password file that cannot be read.
    """
    return open_database(
        wanted.url,
        password=read_secret(wanted.password, wanted.password_file),
        busy_timeout=wanted.busy_timeout,
        cache=wanted.cache,
    )


def open_prepared(wanted: settings.Database) -> Database:
    """Return the database with all migrations applied.

    Raises DatabaseUnavailable, MigrationError where migrations are pending and
    `database.migrate_at_start` is off, and MoveRefused for half a database.
    """
    db = open_store(wanted)
    try:
        refuse_unfinished(db)
        Migrations(db).prepare(apply=wanted.migrate_at_start)
    finally:
        db.close()
    return db


def refuse_unfinished(db: Database) -> None:
    """Raise MoveRefused for a database that holds only part of what it should."""
    if is_unfinished(db):
        raise MoveRefused(
            "the database holds part of a move that was interrupted: go on with "
            "`epimetheus move --resume` from where it came"
        )
