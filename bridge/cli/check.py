"""`epimetheus check`: would it work? The settings, the database and the sources."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from prometheus_client import CollectorRegistry

from bridge.cli.failures import FAILED
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.tables import show
from bridge.probing.entries import KINDS
from bridge.probing.provisioning import steps
from bridge.receivers.endpoint import Endpoint, ScrapeError
from bridge.sources.api import Api
from bridge.sources.base import SourceError
from bridge.sources.client import Client
from bridge.storage import open_store
from bridge.telemetry import Telemetry
from models.database import DatabaseUnavailable
from models.migrate import MigrationError, Migrations
from runtime import settings as config
from runtime.clock import SystemClock
from runtime.config import DEFAULT, SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bridge.probing.provisioning import Step

_LARGEST: Final = 64 * 2**20
_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `ok`, `failed`, or a note that needs no action."""

    what: str
    state: str
    detail: str


@click.command("check")
@pass_invocation
def command(invocation: Invocation) -> None:
    """Check the settings, the database and the sources; exit with 1 on a failure."""
    settings = invocation.settings()
    findings = [
        Finding("settings", "ok", _origin(invocation)),
        _database(settings.database),
        _state(settings.bridge.state),
        _probes(settings),
        *_sources(settings),
    ]
    rows = [(finding.what, finding.state, finding.detail) for finding in findings]
    show(("what", "state", "detail"), rows)
    if any(finding.state == "failed" for finding in findings):
        sys.exit(FAILED)


def _origin(invocation: Invocation) -> str:
    if invocation.config is not None:
        return str(invocation.config)
    return str(DEFAULT) if DEFAULT.exists() else "all defaults"


def _database(wanted: config.Database) -> Finding:
    path = Path(wanted.url.removeprefix(_SQLITE))
    if wanted.url.startswith(_SQLITE) and not path.exists():
        return _absent(path, wanted)
    try:
        db = open_store(wanted)
        try:
            pending = Migrations(db).pending()
        finally:
            db.close()
    except (DatabaseUnavailable, MigrationError, SettingsError) as error:
        return Finding("database", "failed", str(error))
    if pending and not wanted.migrate_at_start:
        return Finding(
            "database",
            "failed",
            f"migrations are pending: {', '.join(pending)}; "
            "run `epimetheus migrate up`",
        )
    if pending:
        return Finding(
            "database", "ok", f"migrations are applied at start: {', '.join(pending)}"
        )
    return Finding("database", "ok", wanted.url)


def _absent(path: Path, wanted: config.Database) -> Finding:
    if not wanted.migrate_at_start:
        return Finding(
            "database",
            "failed",
            f"{path} does not exist; run `epimetheus migrate up`",
        )
    if reason := _why_not_written(path.parent):
        return Finding("database", "failed", f"{path} cannot be made: {reason}")
    return Finding("database", "ok", f"{path} is made at start")


def _probes(settings: config.Settings) -> Finding:
    """Say what the bridge would take over of the section `probes` at its start."""
    words = [
        ", ".join(
            f"{len(getattr(settings.probes, kind.key))} {kind.key}" for kind in KINDS
        )
    ]
    found = _to_be_done(settings)
    words += [
        f"{count} to {action}"
        for action, count in Counter(step.action for step in found).items()
    ]
    adopted = [f"{one.kind.word} {one.name}" for one in found if one.action == "adopt"]
    if adopted:
        words.append(f"made by the API until now: {', '.join(adopted)}")
    return Finding("probes", "ok", "; ".join(words))


def _to_be_done(settings: config.Settings) -> list[Step]:
    """Return what is to be done to a database; nothing where there is none to ask."""
    path = Path(settings.database.url.removeprefix(_SQLITE))
    if settings.database.url.startswith(_SQLITE) and not path.exists():
        return []
    try:
        db = open_store(settings.database)
        try:
            return [] if Migrations(db).pending() else steps(db, settings.probes)
        finally:
            db.close()
    except (DatabaseUnavailable, MigrationError, SettingsError):
        return []  # what is wrong with the database has a line of its own


def _state(directory: Path) -> Finding:
    if reason := _why_not_written(directory):
        return Finding("state", "failed", f"{directory} cannot be written: {reason}")
    return Finding("state", "ok", str(directory))


def _why_not_written(directory: Path) -> str | None:
    """Return why nothing can be made in a directory, None if it can.

    Of one that is not there, the nearest that is above it is tried, with a file that
    is gone at once: permissions do not tell of everything that forbids writing.
    """
    above = (directory, *directory.absolute().parents)
    try:
        nearest = next(path for path in above if path.exists())
        with tempfile.TemporaryFile(dir=nearest):
            return None
    except OSError as error:
        return error.strerror


def _sources(settings: config.Settings) -> Iterator[Finding]:
    for source in settings.sources:
        if isinstance(source, config.PrometheusSource):
            yield _try(f"source {source.name}", source.url, _ask_prometheus(source))
        else:
            for target in source.targets:
                yield _try(
                    f"source {source.name}", target.url, _ask_target(source, target)
                )


def _try(what: str, url: str, ask: Callable[[], None]) -> Finding:
    try:
        ask()
    except (ScrapeError, SourceError) as error:
        return Finding(what, "failed", f"{url}: {error.reason}: {error}")
    except SettingsError as error:
        return Finding(what, "failed", "; ".join(error.problems))
    return Finding(what, "ok", url)


def _ask_prometheus(source: config.PrometheusSource) -> Callable[[], None]:
    def ask() -> None:
        api = Api(
            Client(source.url, timeout=source.timeout, max_response=_LARGEST),
            name=source.name,
            timeout=source.timeout,
            retries=0,
            token=read_secret(source.bearer_token, source.bearer_token_file),
            telemetry=Telemetry.create(CollectorRegistry()),
            clock=SystemClock(),
            random=random.random,
        )
        try:
            api.now_ms()
        finally:
            api.close()

    return ask


def _ask_target(
    source: config.ScrapeSource, target: config.Target
) -> Callable[[], None]:
    def ask() -> None:
        endpoint = Endpoint(
            target, timeout=source.timeout, max_samples=source.max_samples
        )
        try:
            endpoint.fetch()
        finally:
            endpoint.close()

    return ask
