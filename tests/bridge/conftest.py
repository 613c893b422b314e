"""The bridge on a database of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database
from models.migrate import Migrations
from tests.bridge.application import Application, application
from tests.bridge.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    Migrations(database).up()
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
