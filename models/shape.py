"""What a table is made of, as the models say it: for whoever handles all tables alike.

Nothing here lists tables: what is in `models.database.TABLES` is found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from peewee import (
    AutoField,
    BigAutoField,
    CharField,
    CompositeKey,
    DoubleField,
    FloatField,
    TextField,
)

from models.base import table_name

if TYPE_CHECKING:
    from models.base import Table


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's name, its columns, and which of them are its key.

    `texts` and `floats` are the columns of those types; `serial` is the column that the
    database numbers by itself, None if there is none.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    texts: frozenset[str]
    floats: frozenset[str]
    serial: str | None

    @property
    def key_places(self) -> tuple[int, ...]:
        """Where the key's columns stand among the columns."""
        return tuple(self.columns.index(name) for name in self.key)


def shape(table: type[Table]) -> Shape:
    """Return the shape of a table; raise ValueError for one without a key."""
    meta: Any = table._meta  # noqa: SLF001 - Peewee's documented way
    fields = meta.sorted_fields
    if isinstance(meta.primary_key, CompositeKey):
        keys = [meta.fields[name] for name in meta.primary_key.field_names]
    elif meta.primary_key:
        keys = [meta.primary_key]
    else:
        raise ValueError(f"the table {table_name(table)} has no key")
    serial = [one for one in keys if isinstance(one, AutoField | BigAutoField)]
    return Shape(
        name=table_name(table),
        columns=tuple(field.column_name for field in fields),
        key=tuple(field.column_name for field in keys),
        texts=_names(fields, TextField, CharField),
        floats=_names(fields, DoubleField, FloatField),
        serial=serial[0].column_name if serial else None,
    )


def _names(fields: Any, *kinds: type[Any]) -> frozenset[str]:
    return frozenset(one.column_name for one in fields if isinstance(one, kinds))
