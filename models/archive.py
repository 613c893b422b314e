"""Archives: the coarser rollups of a span in one SQLite file that needs no server.

An archive has the tables of this version, with what belongs to the span, and a table
`notes` that says what it is. Series keep their ids, so that archives of one database
can be compared and attached to each other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import numpy as np
from peewee import DatabaseError, SqliteDatabase

from models.bulk import upsert_rollups
from models.checksums import Checksum
from models.database import TABLES, open_database
from models.dialect import number_list, numbers, placeholders, rows_of
from models.layout import Layout
from models.ledger import Ledger
from models.migrate import MigrationError, Migrations
from models.pages import pages, snapshot
from models.queries.rollups import series_rows
from models.rollup import RollupDay, RollupHour, RollupMinute
from models.series import Series
from models.shape import shape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from peewee import Database

    from models.shape import Shape

_ROLLUPS: Final = {"minute": RollupMinute, "hour": RollupHour, "day": RollupDay}
_WIDTHS: Final = {"minute": 60, "hour": 3600, "day": 86400}
_SERIES: Final = 500
_WINDOWS: Final = 1000
"""Windows of so many series are read at once."""
_PAGE: Final = 10_000
_COPIED: Final = (Series, RollupMinute, RollupHour, RollupDay, Ledger, Layout)
_CHECKSUM: Final = "checksum"


class ArchiveError(Exception):
    """A file is no archive, cannot be made one, or is not what it was."""


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into an archive: a span in UTC seconds, resolutions and series."""

    start: int
    end: int
    resolutions: tuple[str, ...]
    series: Sequence[int]


def write(
    source: Database,
    path: Path,
    content: Content,
    notes: Mapping[str, str],
    done: Callable[[int], object],
) -> dict[str, str]:
    """Write an archive and return its notes; `done` hears of how many series.

    Raises ArchiveError if the file is there already, or is being written by another
    process. Until all of it is written it has another name.
    """
    partial = path.with_name(f"{path.name}.partial")
    with _held(partial):
        _refuse_present(path)
        told = _write(source, partial, content, notes, done)
        _refuse_present(path)
        partial.rename(path)
    return told


def _write(
    source: Database,
    partial: Path,
    content: Content,
    notes: Mapping[str, str],
    done: Callable[[int], object],
) -> dict[str, str]:
    target = open_database(f"sqlite:///{partial.absolute()}")
    try:
        Migrations(target).up(quietly=True)
        for table in reversed(TABLES):
            target.execute_sql(f'DELETE FROM "{shape(table).name}"')  # noqa: S608 - own names
        with snapshot(source), target.atomic():
            _copy(source, target, content, done)
        checksum = content_checksum(target)
        told = {**notes, **_schema(), _CHECKSUM: checksum}
        _note(target, told)
        target.execute_sql("VACUUM")
        target.execute_sql("PRAGMA journal_mode = delete")
    finally:
        target.close()
        _discard_companions(partial)
    return told


def _refuse_present(path: Path) -> None:
    if path.exists():
        raise ArchiveError(f"{path} is there already: give another name")


@contextmanager
def _held(partial: Path) -> Iterator[None]:
    """Give an empty file that no other process writes; gone after a failure."""
    try:
        descriptor = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ArchiveError(f"{partial} cannot be written: {error.strerror}") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have given it its final name meanwhile.
            is_ours = os.path.samestat(os.fstat(descriptor), partial.stat())
        except OSError:
            is_ours = False
        if not is_ours:
            raise ArchiveError(f"{partial} is being written by another process")
        os.truncate(descriptor, 0)
        _discard_companions(partial)
        try:
            yield
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """Give an archive, which is only read; raises ArchiveError if it is none.

    One that an older version wrote is read from a copy that is brought up to date.
    """
    if not path.is_file():
        raise ArchiveError(f"there is no file {path}")
    with tempfile.TemporaryDirectory(prefix="epimetheus-archive-") as directory:
        db = _read_only(path)
        try:
            if not db.table_exists("notes"):
                raise ArchiveError(f"{path} is no archive: it has no notes")
            if Migrations(db).pending():
                db.close()
                db = _brought_up_to_date(path, Path(directory))
            yield db
        except (MigrationError, DatabaseError) as error:
            raise ArchiveError(f"{path} cannot be read: {error}") from error
        finally:
            db.close()


def read_notes(db: Database) -> dict[str, str]:
    """Return what an archive says of itself."""
    found: list[Any] = rows_of(db, "SELECT name, value FROM notes")
    return dict(found)


def verify(db: Database) -> str:
    """Return the checksum of an archive; raise ArchiveError if it says another."""
    said, found = read_notes(db)[_CHECKSUM], content_checksum(db)
    if said != found:
        raise ArchiveError(
            f"the archive was changed: its checksum is {found}, and was {said}"
        )
    return found


def content_checksum(db: Database) -> str:
    """Return the checksum of what an archive holds, whenever it was made."""
    whole = hashlib.blake2b(digest_size=16)
    for table in map(shape, _COPIED):
        one = Checksum()
        for rows in pages(db, table, _PAGE):
            one.add(rows)
        whole.update(f"{table.name} {one.rows} {one.hexadecimal()}\n".encode())
    return whole.hexdigest()


def _copy(
    source: Database,
    target: Database,
    content: Content,
    done: Callable[[int], object],
) -> None:
    ids = np.unique(np.asarray(content.series, np.int64))
    done(0)
    for begin in range(0, len(ids), _SERIES):
        chunk = ids[begin : begin + _SERIES]
        chosen = f"id IN (SELECT value FROM {numbers(source, 'ids')})"  # noqa: S608 - own names
        values = (number_list(source, chunk),)
        _copy_rows(source, target, shape(Series), chosen, values)
        for name in content.resolutions:
            step = _WINDOWS * _WIDTHS[name]
            for low in range(content.start, content.end, step):
                high = min(low + step, content.end)
                rows = series_rows(source, _ROLLUPS[name], chunk, low, high)
                upsert_rollups(target, _ROLLUPS[name], rows)
        done(begin + len(chunk))
    held = " UNION ".join(
        f'SELECT series_id FROM "{shape(table).name}"'  # noqa: S608 - own names
        for table in _ROLLUPS.values()
    )
    target.execute_sql(f"DELETE FROM series WHERE id NOT IN ({held})")  # noqa: S608 - own names
    _copy_ledger(source, target, content)
    _copy_rows(source, target, shape(Layout), "1 = 1", ())


def _copy_ledger(source: Database, target: Database, content: Content) -> None:
    """Copy the entries of the archived series' sources, for coverage."""
    found: list[Any] = rows_of(target, "SELECT DISTINCT source FROM series ORDER BY 1")
    for (name,) in found:
        for resolution in content.resolutions:
            _copy_rows(
                source,
                target,
                shape(Ledger),
                "source = ? AND resolution = ? AND start >= ? AND start < ?",
                (name, resolution, content.start, content.end),
            )


def _copy_rows(
    source: Database,
    target: Database,
    table: Shape,
    condition: str,
    values: tuple[object, ...],
) -> None:
    names = ", ".join(f'"{name}"' for name in table.columns)
    sql = f'SELECT {names} FROM "{table.name}" WHERE {condition}'  # noqa: S608 - own names
    rows = rows_of(source, sql, values)
    marks = f"({placeholders(target, len(table.columns))})"
    for begin in range(0, len(rows), _SERIES):
        chunk = rows[begin : begin + _SERIES]
        target.execute_sql(
            f'INSERT INTO "{table.name}" ({names}) '  # noqa: S608 - own names
            f"VALUES {','.join([marks] * len(chunk))}",
            [value for row in chunk for value in row],
        )


def _schema() -> dict[str, str]:
    """Return what the tables and columns of an archive mean."""
    told = {}
    for table in _COPIED:
        meta: Any = table._meta  # noqa: SLF001 - Peewee's documented way
        name = meta.table_name
        told[f"table {name}"] = " ".join((table.__doc__ or "").split())
        for field in meta.sorted_fields:
            told[f"column {name}.{field.column_name}"] = field.help_text or ""
    return told


def _note(target: Database, notes: Mapping[str, str]) -> None:
    target.execute_sql(
        "CREATE TABLE notes (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) "
        "WITHOUT ROWID"
    )
    with target.atomic():
        for note in sorted(notes.items()):
            target.execute_sql("INSERT INTO notes (name, value) VALUES (?, ?)", note)


def _read_only(path: Path) -> Database:
    # Immutable: nothing is locked, and no file is made beside it.
    name = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    db = SqliteDatabase(name, uri=True)
    db.bind(TABLES)
    return db


def _brought_up_to_date(path: Path, directory: Path) -> Database:
    copy = directory / "archive.db"
    shutil.copyfile(path, copy)
    db = open_database(f"sqlite:///{copy}")
    Migrations(db).up(quietly=True)
    return db


def _discard_companions(partial: Path) -> None:
    """Remove what making an archive leaves beside it."""
    for ending in ("-wal", "-shm", "-journal", ".migrating"):
        partial.with_name(f"{partial.name}{ending}").unlink(missing_ok=True)
