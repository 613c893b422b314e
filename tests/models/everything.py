"""Rows for every table there is, found by the models: for what handles all alike."""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING, Any

from peewee import BlobField, CompositeKey, DoubleField, IntegerField, TextField

from models.base import table_name
from models.database import TABLES
from models.dialect import placeholders

if TYPE_CHECKING:
    from peewee import Database

    from models.base import Table

_LETTERS = string.ascii_letters + "äöü\u4e2d\U0001f600 \\\t\n'\",{}%?"
_FLOATS = (0.1, -1.5, 1e308, 5e-324, float("inf"), float("-inf"), 2.0**53, 0.0)


def fill(db: Database, rows: int, seed: int = 1) -> None:
    """Put rows into all tables: odd texts, floats to the last bit, NULLs and blobs."""
    dice = random.Random(seed)
    for table in TABLES:
        meta: Any = table._meta
        names = ", ".join(f'"{field.column_name}"' for field in meta.sorted_fields)
        marks = placeholders(db, len(meta.sorted_fields))
        with db.atomic():
            for number in range(1, rows + 1):
                db.execute_sql(
                    f'INSERT INTO "{table_name(table)}" ({names}) VALUES ({marks})',
                    _row(dice, table, number),
                )


def _row(dice: random.Random, table: type[Table], number: int) -> list[Any]:
    meta: Any = table._meta
    key = meta.primary_key
    keys = set(key.field_names) if isinstance(key, CompositeKey) else {key.name}
    plain = [index for index in meta.indexes if isinstance(index, tuple)]
    unique = {name for names, is_unique in plain if is_unique for name in names}
    unique |= {field.name for field in meta.sorted_fields if field.unique}
    return [
        _value(dice, field, number if field.name in keys | unique else None)
        for field in meta.sorted_fields
    ]


def _value(dice: random.Random, field: Any, number: int | None) -> Any:
    if field.null and number is None and dice.random() < 0.3:
        return None
    if isinstance(field, TextField):
        text = "".join(dice.choices(_LETTERS, k=dice.randrange(12)))
        return text if number is None else f"{text}{number}"
    if isinstance(field, BlobField):
        return dice.randbytes(dice.randrange(40))
    if isinstance(field, DoubleField):
        return dice.choice((*_FLOATS, dice.random(), dice.gauss(0, 1e9)))
    if number is not None:
        return number
    is_small = type(field) is IntegerField
    return dice.randrange(2**31 if is_small else 2**63)


def contents(db: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows of all tables."""
    found = {}
    for table in TABLES:
        meta: Any = table._meta
        names = ", ".join(f'"{field.column_name}"' for field in meta.sorted_fields)
        cursor = db.execute_sql(f'SELECT {names} FROM "{table_name(table)}"')
        found[table_name(table)] = sorted(cursor.fetchall(), key=repr)
    return found
