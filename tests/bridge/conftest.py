"""The bridge on a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bridge.application import Application, application
from tests.bridge.history import History
from tests.databases import new_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.database import Database


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = new_sqlite(tmp_path / "epimetheus.db")
    yield database
    database.close()


@pytest.fixture
def history(db: Database) -> History:
    return History(db)


@pytest.fixture
def bridge(db: Database) -> Application:
    return application(db)


@pytest.fixture
def locked(db: Database) -> Application:
    """The application that asks for keys."""
    return application(db, auth="keys")
