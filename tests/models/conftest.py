"""A migrated database of each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database
from tests.databases import new_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """For what is asked of SQLite alone."""
    database = new_sqlite(tmp_path / "epimetheus.db")
    yield database
    database.close()
