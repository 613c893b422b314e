"""Every table stays inside what Citus can spread over several machines.

Citus is not among the servers of the tests; what it asks for is written down in its
documentation and can be read off the models and the migrated tables: unique keys of a
distributed table contain the column that it is distributed by, which never changes and
is no serial; triggers, exclusion constraints and generated columns are not used, and
foreign keys only between small tables that stay where the others are asked; partitions
are by range, and the partitioned table is what is distributed.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import peewee
import pytest

import models
from models.database import TABLES, Database, open_database
from models.migrate import Migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from models.base import Table
    from tests.postgres import PostgresServer

COLUMN: Final = "series_id"
DISTRIBUTED: Final = frozenset(
    {"rollup_minute", "rollup_hour", "rollup_day", "rollup_local_day", "restatements"}
)
"""Tables with a row per series and window, spread over the machines by series."""
REFERENCE: Final = frozenset({"series", "layouts", "calendars"})
"""Tables that others are joined with, the same on every machine."""


def name_of(table: type[Table]) -> str:
    return str(table._meta.table_name)


JOINING: Final = frozenset({"destination_tags", "job_destinations", "job_tags"})
"""Tables that refer to others by foreign keys; none of these is spread."""
LOCAL: Final = frozenset({"results"})
"""Views of tables that are not spread."""


SPREAD = [table for table in TABLES if name_of(table) in DISTRIBUTED]


@pytest.fixture
def db(postgres: PostgresServer) -> Iterator[Database]:
    name = postgres.new_database()
    database = open_database(postgres.url(name))
    Migrations(database).up()
    yield database
    database.close()
    postgres.drop_database(name)


def names(db: Database, sql: str) -> set[str]:
    return {name for (name,) in db.execute_sql(sql).fetchall()}


def test_every_table_with_series_is_spread_and_no_other(db: Database) -> None:
    with_series = {name_of(table) for table in TABLES if COLUMN in table._meta.columns}
    assert with_series == DISTRIBUTED
    assert {name_of(table) for table in TABLES} >= DISTRIBUTED


@pytest.mark.parametrize("table", SPREAD, ids=name_of)
def test_the_key_of_the_model_contains_the_series(table: type[Table]) -> None:
    key: Any = table._meta.primary_key
    assert isinstance(key, peewee.CompositeKey)
    assert COLUMN in key.field_names
    field = table._meta.columns[COLUMN]
    assert isinstance(field, peewee.BigIntegerField)
    assert not field.null
    assert field.default is None


def test_every_unique_index_of_a_spread_table_contains_the_series(
    db: Database,
) -> None:
    sql = """
        SELECT c.relname, i.relname, array_agg(a.attname::text)
        FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid
        JOIN pg_class i ON i.oid = x.indexrelid
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(x.indkey)
        WHERE x.indisunique AND c.relnamespace = 'public'::regnamespace
        GROUP BY 1, 2
    """
    keys = [row for row in db.execute_sql(sql).fetchall() if is_spread(row[0])]
    assert {table for table, _, _ in keys} >= DISTRIBUTED
    assert [(table, index) for table, index, of in keys if COLUMN not in of] == []


def is_spread(table: str) -> bool:
    return table in DISTRIBUTED or table.startswith("rollup_minute_")


def test_no_column_of_a_spread_table_counts_by_itself(db: Database) -> None:
    sql = """
        SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND (starts_with(column_default, 'nextval')
            OR is_identity = 'YES' OR is_generated = 'ALWAYS')
    """
    assert {table for table in names(db, sql) if is_spread(table)} == set()


def test_no_table_has_what_machines_would_have_to_agree_on(db: Database) -> None:
    constraints = """
        SELECT conrelid::regclass::text FROM pg_constraint
        WHERE contype IN ('x', 't') AND connamespace = 'public'::regnamespace
    """
    keys = """
        SELECT conrelid::regclass::text FROM pg_constraint
        WHERE contype = 'f' AND connamespace = 'public'::regnamespace
    """
    targets = keys.replace("conrelid", "confrelid")
    assert names(db, keys) == JOINING
    assert names(db, keys).union(names(db, targets)).isdisjoint(DISTRIBUTED | REFERENCE)
    triggers = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    rules = """
        SELECT tablename FROM pg_rules WHERE schemaname = 'public'
    """
    for sql in (constraints, triggers, rules):
        assert names(db, sql) == set()


def test_predicates_and_defaults_are_the_same_on_every_machine(db: Database) -> None:
    sql = """
        SELECT column_default FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default IS NOT NULL
    """
    defaults = {text.split("::")[0].split("(")[0] for text in names(db, sql)}
    assert {text for text in defaults if not text.strip("'-").isdigit()} <= {
        "nextval",
        "''",
    }


def test_only_minutes_are_partitioned_and_by_range_of_time(db: Database) -> None:
    sql = """
        SELECT partrelid::regclass::text, partstrat::text, a.attname::text
        FROM pg_partitioned_table p
        JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    """
    assert db.execute_sql(sql).fetchall() == [("rollup_minute", "r", "start")]


def sql_texts() -> Iterator[tuple[str, str]]:
    """Yield (file, text) of every text in the models that is a statement."""
    root = Path(models.__file__).parent
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path.name, " ".join(node.value.split())


def test_no_statement_locks_rows_on_several_machines() -> None:
    found = [file for file, text in sql_texts() if "FOR UPDATE" in text.upper()]
    assert found == []


def test_no_statement_changes_the_series_of_a_row() -> None:
    changing = ("SET series_id", "series_id = EXCLUDED", '"series_id" = EXCLUDED')
    found = [
        (file, text)
        for file, text in sql_texts()
        if any(words in text for words in changing)
    ]
    assert found == []


def test_what_is_joined_with_spread_tables_can_be_on_every_machine(
    db: Database,
) -> None:
    sql = "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'"
    others = {name_of(table) for table in TABLES} - DISTRIBUTED - REFERENCE
    for name, text in db.execute_sql(sql).fetchall():
        words = set(text.replace("(", " ").replace(";", " ").split())
        assert bool(words & DISTRIBUTED) == (name not in LOCAL)
        assert not words & others or name in LOCAL
