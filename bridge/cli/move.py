"""`epimetheus move`: copies the database into another one, and proves it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from bridge.cli.failures import CommandError
from bridge.cli.invocation import Invocation, pass_invocation
from bridge.cli.progress import progress
from bridge.cli.store import existing_store
from bridge.cli.tables import show
from bridge.storage import open_store
from models.checksums import Compared, compare
from models.lease import Lease
from models.move import PAGE, Target, copy_table, shapes
from models.pages import count_rows, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from models.database import Database
    from models.shape import Shape
    from runtime import settings as config

_PASSWORD: Final = "EPIMETHEUS_TO_PASSWORD"  # noqa: S105 - the variable's name
_SQLITE: Final = "sqlite:///"


@click.command("move")
@click.option(
    "--to",
    required=True,
    metavar="URL",
    help="The other database, written like database.url.",
)
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help=f"File with the other database's password; otherwise {_PASSWORD} is asked.",
)
@click.option("--resume", is_flag=True, help="Go on with a move that was interrupted.")
@pass_invocation
def command(
    invocation: Invocation, to: str, *, password_file: Path | None, resume: bool
) -> None:
    """Copy everything into another database, SQLite or PostgreSQL.

    The other one must be empty; it is brought to this version's tables. Both must have
    no bridge running. Afterwards every table is compared by checksums. What was asked
    for is not switched over: set database.url to the new one then.
    """
    settings = invocation.settings()
    wanted = _wanted(settings.database, to, password_file, invocation)
    name = _place(settings.database.url)
    if name == _place(wanted.url):
        raise CommandError(f"{to} is the database that is to be moved")
    with _opened(settings, wanted) as (source, other):
        target = Target(other, name)
        target.prepare(resume=resume)
        with snapshot(source):
            tables = [(table, count_rows(source, table)) for table in shapes()]
            _copy(source, target, tables)
            with snapshot(other):
                found = _compare(source, other, tables)
        show(
            ("table", "rows", "checksum", "target"),
            [_row(one) for one in found],
        )
        _conclude(found, target, to)


def _wanted(
    own: config.Database, to: str, password_file: Path | None, invocation: Invocation
) -> config.Database:
    """Return the target's settings; what the URL does not say is as for the source."""
    values = {
        "url": to,
        "password_file": password_file,
        "password": invocation.environ.get(_PASSWORD),
    }
    try:
        wanted = type(own).model_validate(values)
    except ValueError as error:
        told = str(error).splitlines()[2].strip().partition(" [")[0]
        raise click.UsageError(f"--to: {told.removeprefix('Value error, ')}") from error
    alike = {"busy_timeout": own.busy_timeout, "cache": own.cache}
    return wanted.model_copy(update=alike)


def _place(url: str) -> str:
    """Return what tells databases apart, also from another working directory."""
    if url.startswith(_SQLITE):
        return f"{_SQLITE}{Path(url.removeprefix(_SQLITE)).resolve()}"
    return url


@contextmanager
def _opened(
    settings: config.Settings, wanted: config.Database
) -> Iterator[tuple[Database, Database]]:
    """Give both databases, held so that no bridge starts on either."""
    with ExitStack() as stack:
        source = stack.enter_context(existing_store(settings))
        other = open_store(wanted)
        stack.callback(other.close)
        for db in (source, other):
            lease = Lease(db)
            lease.start()
            stack.callback(lease.stop)
        yield source, other


def _copy(source: Database, target: Target, tables: list[tuple[Shape, int]]) -> None:
    with progress("copying", _total(tables), "rows copied") as advance:
        before = 0
        for table, rows in tables:
            copy_table(source, target, table, partial(_tell, advance, before))
            before += rows


def _compare(
    source: Database, other: Database, tables: list[tuple[Shape, int]]
) -> list[Compared]:
    found = []
    with progress("comparing", _total(tables), "rows compared") as advance:
        before = 0
        for table, rows in tables:
            tell = partial(_tell, advance, before)
            found.append(compare(source, other, table, tell, PAGE))
            before += rows
    return found


def _tell(advance: Callable[[int], None], before: int, rows: int) -> None:
    advance(before + rows)


def _total(tables: list[tuple[Shape, int]]) -> int:
    return sum(rows for _, rows in tables)


def _row(one: Compared) -> tuple[str, ...]:
    state = "different" if one.difference else "the same"
    return one.table, str(one.rows), one.checksum, state


def _conclude(found: list[Compared], target: Target, to: str) -> None:
    """Give the target free, or raise CommandError that names what differs."""
    different = [one for one in found if one.difference]
    if different:
        told = "; ".join(f"{one.table}: {one.difference}" for one in different)
        raise CommandError(
            f"the databases differ: {told}; do not use {to}, empty it and move again"
        )
    target.finish()
    click.echo(f"moved; set database.url to {to} and start the bridge")
