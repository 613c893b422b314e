"""`epimetheus serve`: the engine and the API, until a signal ends them."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import click
import structlog

from models.database import open_database
from models.lease import Lease
from models.migrate import prepare
from runtime import settings as config
from runtime.clock import SystemClock
from runtime.config import read_secret
from runtime.scheduler import Scheduler
from runtime.service import Service, run, stop_on_signals

log = structlog.get_logger(__name__)


@click.command("serve")
@click.pass_obj
def command(program: Program) -> None:
    """Roll up the samples of all sources and serve the API."""


def serve(settings: config.Settings, config_path: Path | None) -> None:
    """Run the bridge until SIGTERM or SIGINT; finishes the window at hand first.

    Raises what a part that cannot start says: DatabaseUnavailable, MigrationError,
    LeaseTaken, PortTaken.
    """
    stop = threading.Event()
    stop_on_signals(stop)
    clock = SystemClock()
    db = open_database(
        settings.database.url,
        password=read_secret(
            settings.database.password, settings.database.password_file
        ),
        busy_timeout=settings.database.busy_timeout,
        cache=settings.database.cache,
    )
    prepare(db, migrate=settings.database.migrate_at_start)
    lease = Lease(db)
    lease.start()
    try:
        environ = _share_metrics(settings, config_path)
        run(_services(settings, db, clock, environ), stop)
    finally:
        lease.stop()
        db.close()


def _share_metrics(
    settings: config.Settings, config_path: Path | None
) -> dict[str, str]:
    """Prepare the directory by which the bridge's processes share their metrics.

    prometheus_client decides by the environment when it is first imported, so this
    comes before the parts that import it. Returns the environment of the workers.
    """
    directory = settings.bridge.state / f"metrics-{settings.bridge.listen.port}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory.resolve())
    if config_path is not None:
        os.environ["EPIMETHEUS_CONFIG"] = str(config_path.resolve())
    return dict(os.environ)
