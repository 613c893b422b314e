"""`epimetheus key`: the API keys, for `bridge.auth: keys`."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from bridge.auth import KeyNameTaken, Keys, Scope, read_scopes
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.tables import show
from bridge.storage import open_prepared
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.queries.keys import KeyRow


def _named(context: click.Context, parameter: click.Parameter, name: str) -> str:
    """Refuse a name that nobody could see in a list."""
    del context, parameter
    if not name.strip():
        raise click.BadParameter("it is empty")
    return name


@click.group("key")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command()
@click.argument("name", callback=_named)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; repeat for several. admin may do everything.",
)
@click.option("--workspace", default="", help="The only workspace that the key sees.")
@pass_invocation
def create(
    invocation: Invocation, name: str, scopes: tuple[str, ...], workspace: str
) -> None:
    """Create a key called NAME and print it, once and never again."""
    with _keys(invocation) as keys:
        try:
            created = keys.create(
                name, read_scopes(scopes), workspace, secrets.token_bytes
            )
        except KeyNameTaken as error:
            if _is_revoked(keys, name):
                raise CommandError(
                    f"the key {name!r} is revoked and its name stays taken; "
                    "choose another name"
                ) from error
            raise
    click.echo(created)
    click.echo("Keep it now: it cannot be shown again.", err=True)


@command.command("list")
@pass_invocation
def list_(invocation: Invocation) -> None:
    """List the keys, without their secrets."""
    with _keys(invocation) as keys:
        rows = [_row(row) for row in keys.list()]
    show(("name", "key", "scopes", "workspace", "created", "last used", "state"), rows)


@command.command()
@click.argument("name")
@pass_invocation
def revoke(invocation: Invocation, name: str) -> None:
    """Revoke the key called NAME, at once and for ever."""
    with _keys(invocation) as keys:
        if not keys.revoke(name):
            raise CommandError(f"there is no valid key called {name!r}")
    click.echo(f"revoked {name}")


@contextmanager
def _keys(invocation: Invocation) -> Iterator[Keys]:
    db = open_prepared(invocation.settings().database)
    try:
        yield Keys(db, SystemClock())
    finally:
        db.close()


def _is_revoked(keys: Keys, name: str) -> bool:
    return any(row.name == name and row.revoked_at is not None for row in keys.list())


def _row(row: KeyRow) -> tuple[str, ...]:
    revoked = row.revoked_at is not None
    return (
        row.name,
        f"epk_{row.prefix}_…",
        ",".join(row.scopes),
        row.workspace or "all",
        _when(row.created_at),
        _when(row.last_used_at),
        f"revoked {_when(row.revoked_at)}" if revoked else "valid",
    )


def _when(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
