"""`epimetheus serve`: the engine and the API, until a signal ends them."""

from __future__ import annotations

import os
import shutil
import threading
from typing import TYPE_CHECKING

import click
import structlog

from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.probing.provisioning import provision
from bridge.storage import open_prepared
from models.database import DatabaseUnavailable
from models.lease import Lease
from runtime.clock import Clock, SystemClock
from runtime.scheduler import Scheduler
from runtime.service import Service, run, stop_on_signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from models.database import Database
    from runtime import settings as config

log = structlog.get_logger(__name__)


@click.command("serve")
@pass_invocation
def command(invocation: Invocation) -> None:
    """Keep rollups and answer questions until a signal ends it."""
    settings = invocation.settings()
    environ = dict(invocation.environ)
    if invocation.config is not None:
        environ["EPIMETHEUS_CONFIG"] = str(invocation.config.resolve())
    if invocation.log_level is not None:
        environ["EPIMETHEUS__LOG__LEVEL"] = invocation.log_level
    serve(settings, environ)


def serve(settings: config.Settings, environ: Mapping[str, str]) -> None:
    """Run the bridge until SIGTERM or SIGINT; finishes the window at hand first.

    `environ` is for the API's worker processes.

    Raises what a part that cannot start says: DatabaseUnavailable, MigrationError,
    LeaseTaken, PortTaken, CommandError for a `bridge.state` that cannot be written.
    """
    stop = threading.Event()
    stop_on_signals(stop)
    clock = SystemClock()
    db = open_prepared(settings.database)
    lease = Lease(db)
    lease.start()
    try:
        log.info(
            "starting",
            listen=str(settings.bridge.listen),
            database=settings.database.url,
            sources=[source.name for source in settings.sources],
        )
        provision(db, settings.probes, clock)
        shared = _share_metrics(settings)
        parts = services(settings, db, clock, {**environ, **shared}, lease)
        run(parts, stop)
    finally:
        lease.stop()
        db.close()


def _share_metrics(settings: config.Settings) -> dict[str, str]:
    """Prepare the directory by which the bridge's processes share their metrics.

    prometheus_client decides by the environment when it is first imported, so this
    comes before the parts that import it. Returns what the workers need to know.
    """
    directory = settings.bridge.state / f"metrics-{settings.bridge.listen.port}"
    shutil.rmtree(directory, ignore_errors=True)
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise CommandError(
            f"bridge.state: {settings.bridge.state} cannot be written: {error.strerror}"
        ) from error
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(directory.resolve())}
    os.environ.update(shared)
    return shared


def services(
    settings: config.Settings,
    db: Database,
    clock: Clock,
    environ: Mapping[str, str],
    lease: Lease,
) -> list[Service]:
    """Build the parts, in the order in which they start."""
    # These import prometheus_client, which must see its environment first.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from bridge.composition import compose, parts_of  # noqa: PLC0415
    from bridge.telemetry import Telemetry  # noqa: PLC0415
    from bridge.workers import Workers  # noqa: PLC0415
    from bridge.writer import Writer  # noqa: PLC0415

    telemetry = Telemetry.create(CollectorRegistry())
    writer = Writer(telemetry, clock, db.close, guard=lease.check)
    parts = parts_of(db, writer, telemetry, clock, lambda: lease.losses)
    composition = compose(settings, parts, writer)
    scheduler = Scheduler(
        clock,
        on_beat=lambda name: telemetry.beats.labels(name).inc(),
        on_skip=lambda name, count: telemetry.beats_skipped.labels(name).inc(count),
        on_failure=lambda name: telemetry.beats_failed.labels(name).inc(),
        expected=(DatabaseUnavailable,),
    )
    composition.schedule(scheduler)
    workers = Workers(settings.bridge.listen, settings.bridge.workers, environ, clock)
    return [writer, workers, scheduler, composition]
