"""The tables of docs/schema.md, from the models.

That the migrations make exactly these is shown by tests/models/test_schema.py.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from peewee import CompositeKey, Context, Field

from models.base import table_name
from models.database import TABLES
from scripts.pages.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.base import Table

TYPES: Final = {
    "AUTO": ("INTEGER", "bigint"),
    "BIGAUTO": ("INTEGER", "bigint"),
    "BIGINT": ("BIGINT", "bigint"),
    "INT": ("INTEGER", "integer"),
    "TEXT": ("TEXT", "text"),
    "DOUBLE": ("REAL", "double precision"),
    "BLOB": ("BLOB", "bytea"),
}
"""What SQLite and PostgreSQL call the types of fields."""
_HEAD: Final = ("column", "SQLite", "PostgreSQL", "meaning")


def tables() -> str:
    """Return a section for each table; those of one shape share one."""
    shapes: dict[str, list[type[Table]]] = {}
    for model in TABLES:
        shapes.setdefault(_columns(model), []).append(model)
    return "\n\n".join(_section(models, text) for text, models in shapes.items())


def _section(models: list[type[Table]], columns: str) -> str:
    names = ", ".join(f"`{table_name(model)}`" for model in models)
    model = models[0] if len(models) == 1 else models[0].__base__
    keys = "\n".join(line for model in models for line in _keys(model))
    return f"### {names}\n\n{inspect.getdoc(model)}\n\n{columns}\n\n{keys}"


def _columns(model: type[Table]) -> str:
    rows = []
    for field in model._meta.sorted_fields:  # noqa: SLF001 - Peewee's documented way
        sqlite, postgres = TYPES[field.field_type]
        null = "" if field.null else " NOT NULL"
        cells = (f"`{field.column_name}`", sqlite + null, postgres + null)
        rows.append((*cells, str(field.help_text)))
    return table(_HEAD, rows)


def _keys(model: type[Table]) -> Iterator[str]:
    meta: Any = model._meta  # noqa: SLF001 - Peewee's documented way
    key = meta.primary_key
    names = key.field_names if isinstance(key, CompositeKey) else (key.column_name,)
    clustered = "; on SQLite the rows lie in this order" if meta.without_rowid else ""
    yield f"* `{meta.table_name}`: primary key ({', '.join(names)}){clustered}"
    for index in meta.fields_to_index():
        yield f"  * {_index(index)}"


def _index(index: Any) -> str:
    # Nothing public has what an index consists of.
    parts, unique, where = index._expressions, index._unique, index._where  # noqa: SLF001 - as above
    columns = ", ".join(part.column_name for part in parts if isinstance(part, Field))
    kind = "unique index" if unique else "index"
    return f"{kind} ({columns}){'' if where is None else _condition(where)}"


def _condition(where: Any) -> str:
    """Return which rows are in an index that does not have all of them."""
    if not isinstance(where.lhs, Field):
        return ", of rows whose flags have bit 1"
    context = Context(param="{!r}")
    sql, params = context.sql(where).query()
    words = sql.strip("()").replace('"t1".', "").replace('"', "`")
    return f", of rows where {words.format(*params)}"
