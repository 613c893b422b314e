"""The packaged migrations make what the models describe, and what Citus can keep."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import peewee
import pytest
from playhouse.schema_diff import diff_models

from models.calendar import RollupLocalDay
from models.database import TABLES, Database, open_database
from models.dialect import is_sqlite
from models.migrate import PACKAGED, Migrations
from models.rollup import RollupDay, RollupHour, RollupMinute
from tests.models.schema_dump import schema

if TYPE_CHECKING:
    from models.base import Table

BIG = (RollupMinute, RollupHour, RollupDay, RollupLocalDay)
TYPES: dict[type[peewee.Field], dict[bool, str]] = {
    peewee.BigAutoField: {True: "INTEGER", False: "bigint"},
    peewee.AutoField: {True: "INTEGER", False: "bigint"},
    peewee.BigIntegerField: {True: "BIGINT", False: "bigint"},
    peewee.IntegerField: {True: "INTEGER", False: "integer"},
    peewee.TextField: {True: "TEXT", False: "text"},
    peewee.DoubleField: {True: "REAL", False: "double precision"},
    peewee.BlobField: {True: "BLOB", False: "bytea"},
    peewee.ForeignKeyField: {True: "BIGINT", False: "bigint"},
}


def test_migrations_and_models_agree(db: Database) -> None:
    # Peewee does not see the indexes of a table that has partitions.
    unseen = "" if is_sqlite(db) else "add index rollup_minute.rollup_minute_baseline"
    assert str(diff_models(db, TABLES)) == unseen
    if not is_sqlite(db):
        sql = "SELECT indexdef FROM pg_indexes WHERE indexname = %s"
        ((found,),) = db.execute_sql(sql, ("rollup_minute_baseline",)).fetchall()
        assert "(start, series_id) WHERE ((flags & " in found


def test_columns_have_the_types_and_nulls_of_the_models(db: Database) -> None:
    def found(table: type[Table]) -> list[tuple[str, str, bool]]:
        columns = db.get_columns(table._meta.table_name)
        return [(one.name, one.data_type, one.null) for one in columns]

    def wanted(table: type[Table]) -> list[tuple[str, str, bool]]:
        return [
            (field.column_name, TYPES[type(field)][is_sqlite(db)], bool(field.null))
            for field in table._meta.sorted_fields
        ]

    assert {t.__name__: found(t) for t in TABLES} == {
        t.__name__: wanted(t) for t in TABLES
    }


def test_keys_are_those_of_the_models(db: Database) -> None:
    for table in TABLES:
        key: Any = table._meta.primary_key
        names = getattr(key, "field_names", None) or (key.name,)
        assert db.get_primary_keys(table._meta.table_name) == list(names)


def test_sqlite_clusters_the_tables_that_say_so(tmp_path: Any) -> None:
    db = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    Migrations(db).up()
    statements = dict(
        db.execute_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    )
    db.close()
    clustered = {
        table._meta.table_name
        for table in TABLES
        if statements[table._meta.table_name].rstrip().endswith("WITHOUT ROWID")
    }
    assert clustered == {
        table._meta.table_name for table in TABLES if table._meta.without_rowid
    }


def test_every_table_of_the_migrations_is_described_by_a_model(db: Database) -> None:
    ours = {table._meta.table_name for table in TABLES}
    others = {"sqlite_sequence", "schema_migrations", "rollup_minute_default"}
    assert set(db.get_tables()) - others == ours


def test_the_views_are_there(db: Database) -> None:
    assert [view.name for view in db.get_views()] == [
        "days",
        "hours",
        "local_days",
        "minutes",
        "results",
    ]


def test_down_to_nothing_and_up_again_gives_the_same_schema(db: Database) -> None:
    before = schema(db)
    migrations = Migrations(db)
    names = migrations.down("0000")
    left = {name for name in db.get_tables() if not name.startswith("sqlite_")}
    assert left == {"schema_migrations"}
    assert db.get_views() == []
    assert migrations.up() == names[::-1]
    assert schema(db) == before


@pytest.mark.parametrize("path", sorted(PACKAGED.glob("[0-9]*.py")))
def test_migrations_do_not_import_the_live_models(path: Any) -> None:
    imported = {
        name.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert imported <= {"peewee", "typing", "playhouse.migrate"}


def test_unique_keys_of_big_tables_contain_what_they_are_distributed_by(
    db: Database,
) -> None:
    for table in BIG:
        name = table._meta.table_name
        keys = [db.get_primary_keys(name)]
        keys += [list(one.columns) for one in db.get_indexes(name) if one.unique]
        assert all("series_id" in key for key in keys), name


def test_unique_keys_of_big_tables_contain_what_they_can_be_partitioned_by(
    db: Database,
) -> None:
    for table in BIG:
        assert "start" in db.get_primary_keys(table._meta.table_name)


def test_only_join_tables_refer_to_others_by_foreign_keys(db: Database) -> None:
    refers = {
        table._meta.table_name: {
            key.dest_table for key in db.get_foreign_keys(table._meta.table_name)
        }
        for table in TABLES
    }
    assert {name: tables for name, tables in refers.items() if tables} == {
        "destination_tags": {"destinations", "tags"},
        "job_destinations": {"jobs", "destinations"},
        "job_tags": {"jobs", "tags"},
    }


def test_only_types_that_mean_the_same_everywhere_are_stored() -> None:
    # FloatField, for one, has four bytes on PostgreSQL and loses digits of counters.
    for table in TABLES:
        assert {type(field) for field in table._meta.sorted_fields} <= set(TYPES)
