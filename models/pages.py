"""Reading a whole table in the order of its key, a page at a time.

Both engines give the same order and the same values: texts by their bytes, and no
minus zero, which SQLite does not keep.
"""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from models.dialect import is_sqlite, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from peewee import Database

    from models.shape import Shape

Row: TypeAlias = tuple[Any, ...]

_CURSORS: Final = count(1)


@contextmanager
def snapshot(db: Database) -> Iterator[None]:
    """Have everything that is read within it see the same state of the database."""
    with db.atomic("DEFERRED") if is_sqlite(db) else db.atomic():
        if not is_sqlite(db):
            db.execute_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def pages(
    db: Database, table: Shape, size: int, after: Sequence[object] | None = None
) -> Iterator[list[Row]]:
    """Yield all rows of a table by key, `size` at a time.

    `after` is a key to begin behind. On PostgreSQL to be used within a transaction.
    """
    if is_sqlite(db):
        yield from _keyset(db, table, size, after)
    else:
        yield from _cursor(db, table, size, after)


def count_rows(db: Database, table: Shape) -> int:
    """Return how many rows a table has."""
    rows: list[Any] = rows_of(db, f'SELECT COUNT(*) FROM "{table.name}"')  # noqa: S608 - own names
    return int(rows[0][0])


def is_empty(db: Database, table: Shape) -> bool:
    """Whether a table has no row."""
    return not rows_of(db, f'SELECT 1 FROM "{table.name}" LIMIT 1')  # noqa: S608 - own names


def key_of(table: Shape, row: Row) -> list[Any]:
    """Return the values of a row's key."""
    return [row[place] for place in table.key_places]


def _keyset(
    db: Database, table: Shape, size: int, after: Sequence[object] | None
) -> Iterator[list[Row]]:
    while True:
        sql = f"{_select(table, _plain)} LIMIT {size}"
        if after is not None:
            sql = f"{_select(table, _plain, after)} LIMIT {size}"
        rows: list[Row] = rows_of(db, sql, after or ())
        if rows:
            yield rows
        if len(rows) < size:
            return
        after = key_of(table, rows[-1])


def _cursor(
    db: Database, table: Shape, size: int, after: Sequence[object] | None
) -> Iterator[list[Row]]:
    # One cursor, as every page by itself would sort texts anew: their index has the
    # order of the database's language.
    name = f"pages_{next(_CURSORS)}"
    select = _select(table, _postgres, after)
    rows_of_cursor = f"DECLARE {name} NO SCROLL CURSOR FOR {select}"
    db.execute_sql(rows_of_cursor.replace("?", "%s"), tuple(after or ()))
    while True:
        rows: list[Row] = rows_of(db, f"FETCH FORWARD {size} FROM {name}")
        if rows:
            yield rows
        if len(rows) < size:
            break
    db.execute_sql(f"CLOSE {name}")


def _select(table: Shape, column: Any, after: Sequence[object] | None = None) -> str:
    columns = ", ".join(column(table, name, key=False) for name in table.columns)
    key = [column(table, name, key=True) for name in table.key]
    marks = ", ".join("?" * len(key))
    behind = "" if after is None else f"WHERE ({', '.join(key)}) > ({marks}) "
    return f'SELECT {columns} FROM "{table.name}" {behind}ORDER BY {", ".join(key)}'  # noqa: S608 - own names


def _plain(table: Shape, name: str, *, key: bool) -> str:
    del table, key
    return f'"{name}"'


def _postgres(table: Shape, name: str, *, key: bool) -> str:
    if key and name in table.texts:
        return f'"{name}" COLLATE "C"'
    return f'"{name}" + 0' if name in table.floats else f'"{name}"'
