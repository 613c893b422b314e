"""`epimetheus migrate`: what the tables look like, and bringing them up to date."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import refuse_absent
from bridge.cli.tables import show
from bridge.storage import open_store
from models.lease import Lease
from models.migrate import Migrations

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group("migrate")
def command() -> None:
    """Show or change what the tables of the database look like."""


@command.command()
@pass_invocation
def status(invocation: Invocation) -> None:
    """Show which migrations are applied and which are pending."""
    refuse_absent(invocation.settings())
    with _migrations(invocation) as migrations:
        pending = migrations.pending()
        rows = [
            (row.name, "applied", f"{row.applied_at:%Y-%m-%dT%H:%M:%SZ}")
            for row in migrations.applied()
        ]
    rows += [(name, "pending", "") for name in pending]
    show(("migration", "state", "applied at"), rows)


@command.command()
@pass_invocation
def up(invocation: Invocation) -> None:
    """Apply everything that is pending."""
    with _migrations(invocation) as migrations:
        applied = migrations.up()
    for name in applied:
        click.echo(f"applied {name}")
    if not applied:
        click.echo("nothing was pending")


@command.command()
@click.argument("to")
@click.option(
    "--yes", is_flag=True, help="Do not ask; what the tables hold is deleted."
)
@pass_invocation
def down(invocation: Invocation, to: str, *, yes: bool) -> None:
    """Revert what was applied after TO, a migration's name or number.

    0000 reverts everything. Tables that later migrations made are deleted with all that
    they hold. Stop the bridge first.
    """
    refuse_absent(invocation.settings())
    with _migrations(invocation, alone=True) as migrations:
        if migrations.after(to) and not yes:
            click.confirm("This deletes tables and what they hold. Go on?", abort=True)
        reverted = migrations.down(to)
    for name in reverted:
        click.echo(f"reverted {name}")
    if not reverted:
        click.echo(f"nothing was applied after {to}")


@contextmanager
def _migrations(invocation: Invocation, *, alone: bool = False) -> Iterator[Migrations]:
    """Give the migrations; with `alone` no bridge may run, or LeaseTaken is raised."""
    db = open_store(invocation.settings().database)
    lease = Lease(db)
    try:
        if alone:
            lease.start()
        try:
            yield Migrations(db)
        finally:
            if alone:
                lease.stop()
    finally:
        db.close()
