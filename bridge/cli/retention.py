"""`epimetheus retention`: what is deleted as it is old, and what is held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bridge.answers.retention import Planned, planned
from bridge.answers.times import format_time
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.store import existing_store
from bridge.cli.tables import show
from models.lease import Lease, LeaseTaken
from runtime.clock import Clock, SystemClock
from runtime.quantities import format_duration, format_size

if TYPE_CHECKING:
    from models.database import Database
    from runtime.settings import Settings

_KIB = 1024


@click.command("retention")
@click.option("--dry-run", is_flag=True, help="Only say what would be deleted.")
@pass_invocation
def command(invocation: Invocation, *, dry_run: bool) -> None:
    """Delete what is older than the settings keep it, and say what.

    A running bridge deletes by itself, on its beat; this does it at once where none
    runs. Nothing is deleted before what is made from it is complete.
    """
    settings = invocation.settings()
    clock = SystemClock()
    names = [source.name for source in settings.sources]
    with existing_store(settings) as db:
        found = planned(db, settings.retention, names, clock.now())
        shared = {(one.source, one.resolution) for one in found if one.match}
        show(
            (
                "source",
                "what",
                "rule",
                "kept",
                "from",
                "to",
                "windows",
                "rows",
                "about",
            ),
            [_line(one, shared) for one in found],
        )
        held = [one for one in found if one.held]
        if held:
            click.echo()
            show(("source", "what", "held back to", "why"), [_held(o) for o in held])
        if not dry_run and any(one.rows or one.windows for one in found):
            _delete(settings, db, clock)


def _line(one: Planned, shared: set[tuple[str, str]]) -> tuple[str, ...]:
    # The ledger counts the rows of all rules together.
    is_share = one.rows and (one.source, one.resolution) in shared
    nothing = one.start >= one.until
    return (
        one.source,
        one.resolution,
        one.match,
        format_duration(one.kept) if one.kept else "for ever",
        "" if nothing else format_time(one.start),
        "" if nothing else format_time(one.until),
        str(one.windows),
        f"about {one.rows}" if is_share else str(one.rows),
        format_size(one.bytes // _KIB * _KIB),
    )


def _held(one: Planned) -> tuple[str, ...]:
    return one.source, one.resolution, format_time(one.cut), one.held


def _delete(settings: Settings, db: Database, clock: Clock) -> None:
    """Run beats until nothing is left; only where no bridge runs."""
    # These import prometheus_client, which is slow to load and not always needed.
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - see above

    from bridge.composition import parts_of  # noqa: PLC0415 - same
    from bridge.rollup.days.adoption import Calendars  # noqa: PLC0415 - same
    from bridge.rollup.deletion.retention import Retention  # noqa: PLC0415 - same
    from bridge.telemetry import Telemetry  # noqa: PLC0415 - same
    from bridge.writer import Writer  # noqa: PLC0415 - same

    lease = Lease(db)
    try:
        lease.start()
    except LeaseTaken as error:
        raise CommandError(
            f"a bridge runs on this database and deletes every "
            f"{format_duration(settings.retention.every)} by itself "
            "(--dry-run only looks)"
        ) from error
    telemetry = Telemetry.create(CollectorRegistry())
    writer = Writer(telemetry, clock, db.close, guard=lease.check)
    writer.start()
    try:
        names = [source.name for source in settings.sources]
        parts = parts_of(db, writer, telemetry, clock)
        calendars = Calendars(settings.calendars, db, writer.call, clock)
        Retention(settings.retention, names, parts, calendars).finish()
    finally:
        writer.stop()
        lease.stop()
    click.echo("deleted")
