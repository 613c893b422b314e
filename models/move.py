"""Copying all tables into another database, of the same engine or the other one.

Each page of rows is committed together with how far its table is, so that a move that
was killed goes on where it stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from models.base import table_name
from models.database import TABLES
from models.dialect import is_sqlite, placeholders, rows_of
from models.migrate import Migrations
from models.pages import Row, is_empty, key_of, pages
from models.partitions import DAY, make
from models.postgres import Postgres
from models.rollup import RollupMinute
from models.shape import Shape, shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from peewee import Database

PAGE: Final = 10_000
"""Rows that are read, written and committed at once."""
_PARAMETERS: Final = 8_000
"""Values of one statement; SQLite refuses more than 32,766."""
PROGRESS: Final = "move_progress"
"""The table in the target that says how far a move is; gone when it is finished."""


class MoveRefused(Exception):  # noqa: N818 - an answer, not a mistake
    """The target cannot take what is to be moved; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """A database that is being moved into, from the source of that name."""

    db: Database
    source: str

    def prepare(self, *, resume: bool) -> None:
        """Migrate the target and take it for this move.

        Raises MoveRefused if it holds something else, or part of this move without
        `resume`, and MigrationError.
        """
        migrations = Migrations(self.db)
        is_new = not migrations.applied()
        migrations.up()
        if self.db.table_exists(PROGRESS):
            self._refuse_unless_resumed(resume=resume)
            return
        with self.db.atomic():
            if is_new:
                # What the migrations put in comes from the source as well.
                for table in reversed(shapes()):
                    self.db.execute_sql(f'DELETE FROM "{table.name}"')  # noqa: S608 - own names
            self._refuse_rows()
            self.db.execute_sql(
                f"CREATE TABLE {PROGRESS} (source TEXT NOT NULL, name TEXT NOT NULL "
                "PRIMARY KEY, position TEXT NOT NULL, rows BIGINT NOT NULL)"
            )
            self._note("", (), 0)

    def _refuse_unless_resumed(self, *, resume: bool) -> None:
        found: list[Any] = rows_of(self.db, f"SELECT DISTINCT source FROM {PROGRESS}")  # noqa: S608 - own names
        if [name for (name,) in found] != [self.source]:
            raise MoveRefused(
                f"the target holds part of a move from {found[0][0]}, not from "
                f"{self.source}: go on with that one, or give an empty database"
            )
        if not resume:
            raise MoveRefused(
                "the target holds part of a move that was interrupted: "
                "--resume goes on with it"
            )

    def _refuse_rows(self) -> None:
        full = [table.name for table in shapes() if not is_empty(self.db, table)]
        if full:
            raise MoveRefused(
                f"the target is not empty, it has rows in {', '.join(full)}: "
                "give an empty database"
            )

    def position(self, table: Shape) -> tuple[list[Any] | None, int]:
        """Return the last key that was copied of a table, and how many rows were."""
        sql = f"SELECT position, rows FROM {PROGRESS} WHERE name = ?"  # noqa: S608 - own names
        found: list[Any] = rows_of(self.db, sql, (table.name,))
        if not found:
            return None, 0
        return orjson.loads(found[0][0]), int(found[0][1])

    def add(self, table: Shape, rows: Sequence[Row], copied: int) -> None:
        """Write a page and note that `copied` rows of the table are there now."""
        if table.name == table_name(RollupMinute):
            place = table.columns.index("start")
            for day in sorted({row[place] // DAY for row in rows}):
                make(self.db, day * DAY)
        with self.db.atomic():
            if isinstance(self.db, Postgres):
                names = ", ".join(f'"{name}"' for name in table.columns)
                self.db.copy_rows(f'COPY "{table.name}" ({names}) FROM STDIN', rows)
            else:
                _insert(self.db, table, rows)
            self._note(table.name, key_of(table, rows[-1]), copied)

    def _note(self, name: str, position: Sequence[Any], rows: int) -> None:
        sql = (
            f"INSERT INTO {PROGRESS} (source, name, position, rows) "  # noqa: S608 - own names
            f"VALUES ({placeholders(self.db, 4)}) ON CONFLICT (name) DO UPDATE "
            "SET position = EXCLUDED.position, rows = EXCLUDED.rows"
        )
        text = orjson.dumps(list(position)).decode()
        self.db.execute_sql(sql, (self.source, name, text, rows))

    def finish(self) -> None:
        """Give the target free, once it was compared with the source."""
        self.db.execute_sql("ANALYZE")
        self.db.execute_sql(f"DROP TABLE {PROGRESS}")


def shapes() -> list[Shape]:
    """Return the shapes of all tables, in the order in which they are moved."""
    return [shape(table) for table in TABLES]


def is_unfinished(db: Database) -> bool:
    """Whether a database holds part of a move and must not be used yet."""
    return bool(db.table_exists(PROGRESS))


def copy_table(
    source: Database,
    target: Target,
    table: Shape,
    copied: Callable[[int], object],
    size: int = PAGE,
) -> None:
    """Copy what the target lacks of a table; `copied` hears how many rows it has.

    To be used within a snapshot of the source.
    """
    after, rows_there = target.position(table)
    copied(rows_there)
    for rows in pages(source, table, size, after):
        rows_there += len(rows)
        target.add(table, rows, rows_there)
        copied(rows_there)
    if table.serial is not None:
        _carry_numbering(source, target.db, table)


def _insert(db: Database, table: Shape, rows: Sequence[Row]) -> None:
    names = ", ".join(f'"{name}"' for name in table.columns)
    row = f"({', '.join('?' * len(table.columns))})"
    at_once = max(1, _PARAMETERS // len(table.columns))
    for begin in range(0, len(rows), at_once):
        chunk = rows[begin : begin + at_once]
        db.execute_sql(
            f'INSERT INTO "{table.name}" ({names}) VALUES '  # noqa: S608 - own names
            f"{', '.join([row] * len(chunk))}",
            [value for one in chunk for value in one],
        )


def _carry_numbering(source: Database, target: Database, table: Shape) -> None:
    """Have the target number on where the source is: ids are never given again."""
    given = _given(source, table)
    if given is None:
        return
    if is_sqlite(target):
        with target.atomic():
            target.execute_sql(
                "DELETE FROM sqlite_sequence WHERE name = ?", (table.name,)
            )
            target.execute_sql(
                "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)",
                (table.name, given),
            )
    else:
        target.execute_sql(
            "SELECT setval(pg_get_serial_sequence(%s, %s), %s)",
            (table.name, table.serial, given),
        )


def _given(db: Database, table: Shape) -> int | None:
    """Return the largest number that was ever given, None if none was."""
    if is_sqlite(db):
        sql = "SELECT seq FROM sqlite_sequence WHERE name = ?"
        found: list[Any] = rows_of(db, sql, (table.name,))
    else:
        named: list[Any] = rows_of(
            db, "SELECT pg_get_serial_sequence(?, ?)", (table.name, table.serial)
        )
        sql = f"SELECT last_value FROM {named[0][0]} WHERE is_called"  # noqa: S608 - the server's own name
        found = [*rows_of(db, sql)]
    return int(found[0][0]) if found else None
