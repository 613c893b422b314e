from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bridge import wsgi
from models.database import open_database
from models.migrate import MigrationError, Migrations
from runtime.config import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    url = f"sqlite:///{tmp_path}/epimetheus.db"
    path.write_text(f"database: {{url: '{url}'}}\n", encoding="utf-8")
    return path


@pytest.mark.setting("database.migrate_at_start")
def test_a_worker_is_built_from_the_file_that_the_environment_names(
    config: Path,
) -> None:
    app = wsgi.build({wsgi.CONFIG: str(config)})
    response = app.test_client().get("/-/ready")
    assert response.status_code == 200


@pytest.mark.setting("database.migrate_at_start")
def test_pending_migrations_are_refused_if_they_must_not_be_applied(
    config: Path, tmp_path: Path
) -> None:
    environ = {
        wsgi.CONFIG: str(config),
        "EPIMETHEUS__DATABASE__MIGRATE_AT_START": "false",
    }
    with pytest.raises(MigrationError) as caught:
        wsgi.build(environ)
    db = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    pending = Migrations(db).pending()
    assert pending
    assert str(caught.value) == (
        f"migrations are pending: {', '.join(pending)}; run `epimetheus migrate up`, "
        "or set database.migrate_at_start to true"
    )
    Migrations(db).up()
    db.close()
    assert wsgi.build(environ).test_client().get("/-/ready").status_code == 200


def test_wrong_settings_keep_a_worker_from_starting(config: Path) -> None:
    environ = {wsgi.CONFIG: str(config), "EPIMETHEUS__BRIDGE__AUTH": "maybe"}
    with pytest.raises(SettingsError) as caught:
        wsgi.build(environ)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("bridge.auth: ")


@pytest.mark.setting("bridge.listen")
def test_a_door_to_other_hosts_without_keys_is_refused(config: Path) -> None:
    environ = {
        wsgi.CONFIG: str(config),
        "EPIMETHEUS__BRIDGE__LISTEN": "0.0.0.0:9106",
    }
    with pytest.raises(SettingsError) as caught:
        wsgi.build(environ)
    assert "bridge.listen" in caught.value.problems[0]
    assert wsgi.build({**environ, "EPIMETHEUS__BRIDGE__AUTH": "keys"})


def test_workers_show_the_metrics_of_all_processes(
    config: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "metrics"
    shared.mkdir()
    environ = {wsgi.CONFIG: str(config), "PROMETHEUS_MULTIPROC_DIR": str(shared)}
    app = wsgi.build(environ)
    text = app.test_client().get("/metrics").text
    assert "epimetheus_database_up 1.0" in text
    assert "epimetheus_http_requests_total{" not in text
