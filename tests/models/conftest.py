"""A migrated database of each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database
from models.migrate import Migrations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    Migrations(database).up()
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """For what is asked of SQLite alone."""
    database = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    Migrations(database).up()
    yield database
    database.close()
