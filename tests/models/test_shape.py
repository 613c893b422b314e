from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.base import Table
from models.identity import ApiKey
from models.ledger import Ledger
from models.migrate import Migrations
from models.move import shapes
from models.rollup import RollupMinute
from models.shape import shape

if TYPE_CHECKING:
    from peewee import Database


def test_a_shape_tells_key_and_columns_of_a_table() -> None:
    minute = shape(RollupMinute)
    assert (minute.name, minute.key) == ("rollup_minute", ("start", "series_id"))
    assert minute.key_places == (1, 0)
    assert minute.columns[:4] == ("series_id", "start", "count", "sum")
    assert "sum" in minute.floats
    assert minute.serial is None
    assert shape(Ledger).texts == {"source", "resolution", "state", "reason"}
    assert shape(ApiKey).serial == "id"


def test_a_table_without_a_key_is_refused() -> None:
    class Keyless(Table):
        class Meta:
            table_name = "keyless"
            primary_key = False

    with pytest.raises(ValueError, match="keyless has no key"):
        shape(Keyless)


def test_no_table_and_no_column_of_the_database_is_without_a_model(
    db: Database,
) -> None:
    Migrations(db).up()
    known = {table.name: set(table.columns) for table in shapes()}
    there = {
        name: {column.name for column in db.get_columns(name)}
        for name in db.get_tables()
        if name not in {"schema_migrations", "sqlite_sequence"}
        and not _is_partition(db, name)
    }
    assert there == known


def _is_partition(db: Database, name: str) -> bool:
    if not hasattr(db, "copy_rows"):
        return False
    sql = "SELECT relispartition FROM pg_class WHERE oid = %s::regclass"
    return bool(db.execute_sql(sql, (name,)).fetchone()[0])
