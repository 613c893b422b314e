"""Databases that are migrated already: copies of one that was, which takes no time."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from models.database import Database, open_database
from models.migrate import Migrations


@cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="epimetheus-tests-")


@cache
def _migrated() -> Path:
    path = Path(_directory().name, "migrated.db")
    db = open_database(f"sqlite:///{path}")
    Migrations(db).up()
    db.close()
    return path


def copy_sqlite(path: Path) -> str:
    """Write a migrated database to a file that is not there; return its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_migrated(), path)
    return f"sqlite:///{path}"


def new_sqlite(path: Path) -> Database:
    """Open a migrated database in a file that is not there."""
    return open_database(copy_sqlite(path))
