"""Answers are the same on every engine, so each is asked of both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def db(migrated_url: str) -> Iterator[Database]:
    database = open_database(migrated_url)
    yield database
    database.close()
