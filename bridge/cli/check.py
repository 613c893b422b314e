"""`epimetheus check`: would it work? The settings, the database and the sources."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bridge.cli.failures import FAILED
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.tables import show
from bridge.sources.base import SourceError
from bridge.sources.client import Client, Reply
from bridge.storage import open_store
from models.database import DatabaseUnavailable
from models.migrate import MigrationError, Migrations
from runtime import settings as config
from runtime.config import DEFAULT, SettingsError, read_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

_OK: Final = 200
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
    if wanted.migrate_at_start:
        return Finding("database", "ok", f"{path} is made at start")
    return Finding(
        "database",
        "failed",
        f"{path} does not exist; run `epimetheus migrate up`",
    )


def _sources(settings: config.Settings) -> Iterator[Finding]:
    for source in settings.sources:
        if isinstance(source, config.PrometheusSource):
            yield _try(f"source {source.name}", source.url, _ask_prometheus(source))
        else:
            for target in source.targets:
                yield _try(
                    f"source {source.name}", target.url, _ask_target(source, target)
                )


def _try(what: str, url: str, ask: Callable[[], Reply]) -> Finding:
    try:
        reply = ask()
    except SourceError as error:
        return Finding(what, "failed", f"{url}: {error.reason}: {error}")
    except SettingsError as error:
        return Finding(what, "failed", "; ".join(error.problems))
    if reply.status != _OK:
        return Finding(what, "failed", f"{url} answered {reply.status}")
    return Finding(what, "ok", url)


def _ask_prometheus(source: config.PrometheusSource) -> Callable[[], Reply]:
    def ask() -> Reply:
        client = Client(source.url, timeout=source.timeout, max_response=_LARGEST)
        headers = _authorization(source.bearer_token, source.bearer_token_file)
        try:
            return client.request(
                "POST", "/api/v1/query", fields={"query": "time()"}, headers=headers
            )
        finally:
            client.close()

    return ask


def _ask_target(
    source: config.ScrapeSource, target: config.Target
) -> Callable[[], Reply]:
    def ask() -> Reply:
        client = Client(target.url, timeout=source.timeout, max_response=_LARGEST)
        headers = _authorization(target.bearer_token, target.bearer_token_file)
        try:
            return client.request("GET", "", headers=headers)
        finally:
            client.close()

    return ask


def _authorization(token: SecretStr | None, file: Path | None) -> dict[str, str]:
    secret = read_secret(token, file)
    return {} if secret is None else {"Authorization": f"Bearer {secret}"}
