"""`epimetheus correct`: says that samples were wrong, and takes it back."""

from __future__ import annotations

import getpass
import threading
from typing import TYPE_CHECKING, Final

import click

from bridge.answers.corrections import ACTIONS, Plan, Wanted, document, plan, state_of
from bridge.answers.errors import QuestionError
from bridge.answers.times import format_time, read_span
from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.options import FROM_TO
from bridge.cli.store import existing_store, refuse_unknown
from bridge.cli.tables import show
from bridge.corrections import apply_waiting
from models.queries import corrections as table
from runtime.clock import SystemClock

if TYPE_CHECKING:
    from models.database import Database
    from models.queries.corrections import CorrectionRow
    from runtime.clock import Clock
    from runtime.settings import Settings

_LOOK_SECONDS: Final = 0.5
_PATIENCE_SECONDS: Final = 60.0


@click.command("correct")
@click.option("--match", help="Which series, as a PromQL selector.")
@click.option("--from", "start", help="Since when they were wrong.")
@click.option("--to", "end", help="Until when; default now.")
@click.option("--note", help="Why; kept with everything that changes.")
@click.option(
    "--as",
    "action",
    default=ACTIONS[0],
    type=click.Choice(ACTIONS),
    help="ignore: counters go on from the last value before; baseline: what they did "
    "over the span adds nothing.",
)
@click.option("--source", help="Of which source; needed if several have such series.")
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option("--list", "listing", is_flag=True, help="List the corrections.")
@click.option("--revoke", type=int, metavar="ID", help="Take a correction back.")
@pass_invocation
def command(
    invocation: Invocation,
    *,
    match: str | None,
    start: str | None,
    end: str | None,
    note: str | None,
    action: str,
    source: str | None,
    dry_run: bool,
    listing: bool,
    revoke: int | None,
) -> None:
    """Say that samples of a span were wrong, so that no rollup counts them.

    Whole minutes are corrected, at every resolution, and nothing is lost: what changed
    is in the log (`epimetheus restatements`) and comes back with --revoke.
    """
    settings = invocation.settings()
    clock = SystemClock()
    with existing_store(settings) as db:
        refuse_unknown(db, settings, source)
        if listing:
            _list(db, source)
        elif revoke is not None:
            _revoke(db, settings, revoke, clock)
        else:
            if match is None or start is None or note is None:
                raise click.UsageError("--match, --from and --note are needed")
            wanted = Wanted(
                match,
                read_span(start, end, clock.now(), names=FROM_TO),
                note,
                getpass.getuser(),
                action,
                source,
            )
            _correct(db, settings, wanted, clock, dry_run=dry_run)


def _correct(
    db: Database, settings: Settings, wanted: Wanted, clock: Clock, *, dry_run: bool
) -> None:
    try:
        planned = plan(db, wanted, int(clock.now()))
    except QuestionError as error:
        if error.parameter != "start":
            raise
        raise QuestionError(FROM_TO[0], str(error)) from error
    _tell(planned)
    if dry_run:
        click.echo("nothing was changed (--dry-run)")
        return
    row = table.create(db, planned.row)
    click.echo(f"correction {row.id}")
    _work(db, settings, row, clock)


def _revoke(db: Database, settings: Settings, number: int, clock: Clock) -> None:
    row = table.find(db, number)
    if row is None:
        raise CommandError(f"there is no correction {number}; --list lists them")
    if not table.revoke(db, number, int(clock.now())):
        raise CommandError(f"correction {number} has been revoked already")
    _work(db, settings, row, clock)


def _work(db: Database, settings: Settings, row: CorrectionRow, clock: Clock) -> None:
    """Apply what waits, or watch a running bridge do it, and say what became of it."""
    if apply_waiting(db, settings, row.source, clock) is None:
        click.echo("a bridge is running and does it")
        until = clock.monotonic() + _PATIENCE_SECONDS
        while _found(db, row.id).waits and clock.monotonic() < until:
            clock.wait(threading.Event(), _LOOK_SECONDS)
    found = _found(db, row.id)
    state = state_of(found)
    if state in {"failed", "waiting", "revoking"}:
        raise CommandError(f"correction {row.id} is {state}. {found.outcome}".strip())
    click.echo(f"{state}: {found.outcome}" if found.outcome else state)


def _found(db: Database, number: int) -> CorrectionRow:
    row = table.find(db, number)
    if row is None:
        raise CommandError(f"correction {number} is gone")
    return row


def _tell(planned: Plan) -> None:
    for note in planned.notes:
        click.echo(note)
    if not planned.changes:
        return
    show(
        ("rows of", "rows", "figure", "before", "after"),
        [
            (one.resolution, str(one.rows), name, f"{old:g}", f"{one.after[name]:g}")
            for one in planned.changes
            for name, old in one.before.items()
        ],
    )


def _list(db: Database, source: str | None) -> None:
    rows = [document(row) for row in table.listed(db, source)]
    headings = ("id", "source", "match", "from", "to", "as", "state", "author", "note")
    lines = [
        (
            str(row["id"]),
            row["source"],
            row["match"],
            format_time(row["start"]),
            format_time(row["end"]),
            row["as"],
            row["state"],
            row["author"],
            row["note"],
        )
        for row in rows
    ]
    show(headings, lines)
