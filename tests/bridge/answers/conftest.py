"""Answers are the same on every engine, so each is asked of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database
from models.migrate import Migrations

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    Migrations(database).up()
    yield database
    database.close()
