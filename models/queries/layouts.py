"""The bounds that the ids of layouts stand for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from models.dialect import number_list, numbers, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from peewee import Database

Bounds: TypeAlias = tuple[float, ...]

_TOP: Final = "+Inf"


def remember(db: Database, layouts: Mapping[int, Bounds]) -> None:
    """Store the bounds of layouts that are not stored yet; part of a transaction.

    Raises ValueError where an id stands for other bounds: two layouts have the same
    hash, and rows could no longer tell them apart.
    """
    known = bounds_of(db, list(layouts))
    for number, bounds in layouts.items():
        if number not in known:
            db.execute_sql(
                "INSERT INTO layouts (id, bounds) "  # noqa: S608 - parameter marks
                f"VALUES ({db.param}, {db.param}) ON CONFLICT DO NOTHING",
                (number, _written(bounds)),
            )
            known |= bounds_of(db, [number])
        if known[number] != tuple(bounds):
            raise ValueError(
                f"the layouts {_written(bounds)} and {_written(known[number])} have "
                f"the same id, {number}: rows cannot tell them apart"
            )


def bounds_of(db: Database, ids: Sequence[int]) -> dict[int, Bounds]:
    """Return the bounds of those layouts that are known."""
    if not ids:
        return {}
    rows: list[Any] = rows_of(
        db,
        f"SELECT id, bounds FROM layouts "  # noqa: S608 - own names
        f"WHERE id IN (SELECT value FROM {numbers(db, 'ids')})",
        (number_list(db, ids),),
    )
    return {number: _read(text) for number, text in rows}


def _written(bounds: Sequence[float]) -> str:
    return orjson.dumps([*map(float, bounds[:-1]), _TOP]).decode()


def _read(text: str) -> Bounds:
    *finite, _ = orjson.loads(text)
    return (*map(float, finite), math.inf)
