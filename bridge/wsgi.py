"""The application of one API worker: `granian --factory bridge.wsgi:create`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from bridge.app import create_app
from bridge.rereading import Rereaders
from bridge.storage import open_prepared
from bridge.telemetry import Telemetry
from bridge.workers import PARENT
from runtime import config, logs
from runtime.clock import SystemClock
from runtime.process import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask

CONFIG: Final = "EPIMETHEUS_CONFIG"
"""Environment variable with the path of config.yaml."""

_SHARED: Final = "PROMETHEUS_MULTIPROC_DIR"


def create() -> Flask:
    """Read the settings, open the database and build the application.

    A worker ends with the server that made it, however that ends.

    Raises SettingsError, DatabaseUnavailable, or MigrationError where migrations are
    pending and `database.migrate_at_start` is off.
    """
    parent = os.environ.get(PARENT)
    die_with_parent(int(parent) if parent else None, signal.SIGKILL)
    app = build(os.environ)
    # What is there now stays; without it in the way, collections are short.
    gc.freeze()
    return app


def build(environ: Mapping[str, str]) -> Flask:
    """Build the application that an environment describes."""
    path = environ.get(CONFIG)
    settings = config.load(Path(path) if path else None, environ)
    logs.configure(settings.log, sys.stderr)
    db = open_prepared(settings.database)
    own = CollectorRegistry()
    telemetry = Telemetry.create(own)
    shown = own
    if _SHARED in environ:
        shown = CollectorRegistry()
        # It registers itself, and reads the files of all processes when asked.
        MultiProcessCollector(shown, environ[_SHARED])  # type: ignore[no-untyped-call]  # as published
    clock = SystemClock()
    asks = Rereaders(settings, db, telemetry, clock).of
    return create_app(settings, db, telemetry, clock, shown, asks=asks)
