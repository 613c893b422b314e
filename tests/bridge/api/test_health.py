from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.database import open_database
from models.migrate import Migrations
from tests.bridge.application import application

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bridge.application import Application


def test_a_process_that_answers_is_healthy(bridge: Application) -> None:
    response = bridge.get("/-/healthy")
    assert (response.status_code, response.text) == (200, "The bridge answers.\n")


def test_a_database_with_all_migrations_is_ready(bridge: Application) -> None:
    response = bridge.get("/-/ready")
    assert (response.status_code, response.text) == (
        200,
        "The database is there and has all migrations.\n",
    )


def test_pending_migrations_are_not_ready(tmp_path: Path) -> None:
    db = open_database(f"sqlite:///{tmp_path}/new.db")
    pending = Migrations(db).pending()
    status, detail, _ = application(db).problem("/-/ready")
    assert (status, detail) == (
        503,
        f"migrations are pending: {', '.join(pending)}; run `epimetheus migrate up`",
    )
    assert application(db).get("/-/healthy").status_code == 200
    db.close()


def test_a_database_of_a_newer_version_is_not_ready(bridge: Application) -> None:
    bridge.db.execute_sql(
        "INSERT INTO schema_migrations (name, applied, checksum) "
        "VALUES ('9999_later', '2026-11-21', 'x')"
    )
    status, detail, _ = bridge.problem("/-/ready")
    assert status == 503
    assert detail.startswith("the database has the migration 9999_later")


def test_a_database_that_cannot_be_opened_is_not_ready(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is no database, however long it is " * 100)
    db = open_database(f"sqlite:///{path}")
    status, detail, _ = application(db).problem("/-/ready")
    assert status == 503
    assert detail.startswith(f"{path} is not an SQLite database: set database.url")
    db.close()


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_health_needs_no_key(locked: Application, path: str) -> None:
    assert locked.get(path).status_code == 200


def test_health_is_told_to_any_host(bridge: Application) -> None:
    client = bridge.app.test_client()
    response = client.get("/-/healthy", headers={"Host": "10.0.0.7:9106"})
    assert response.status_code == 200
