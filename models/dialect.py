"""The few places where SQLite and PostgreSQL want different words.

Lists of numbers reach both as one parameter: SQLite reads them with `json_each`,
PostgreSQL with `unnest`; both give a table with the column `value`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
from peewee import Database, SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray


def is_sqlite(db: Database) -> bool:
    """Whether the database is a file of SQLite."""
    return isinstance(db, SqliteDatabase)


def numbers(db: Database, alias: str) -> str:
    """Return a table expression over one parameter made by `number_list`."""
    if is_sqlite(db):
        return f"json_each(?) AS {alias}"
    return f"unnest(%s::bigint[]) AS {alias}(value)"


def number_list(db: Database, values: NDArray[np.int64] | Sequence[int]) -> str:
    """Return the parameter for `numbers`."""
    array = np.ascontiguousarray(values, dtype=np.int64)
    text = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    return text if is_sqlite(db) else f"{{{text[1:-1]}}}"


def placeholders(db: Database, count: int) -> str:
    """Return that many parameter marks, separated by commas."""
    return ",".join([db.param] * count)


def rows_of(
    db: Database, sql: str, params: Iterable[object] = ()
) -> list[tuple[object, ...]]:
    """Run a statement whose parameters are written `?` and return all its rows."""
    cursor = db.execute_sql(sql.replace("?", db.param), tuple(params))
    rows: list[tuple[object, ...]] = cursor.fetchall()
    return rows


def pages_of(
    db: Database, sql: str, params: Iterable[object], size: int
) -> Iterator[list[tuple[object, ...]]]:
    """Run a statement as `rows_of` does; yield at most `size` of its rows at a time."""
    cursor = db.execute_sql(sql.replace("?", db.param), tuple(params))
    while rows := cursor.fetchmany(size):
        yield rows


def storable(text: str) -> str:
    """Return text that both engines store: valid Unicode without NUL characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text
