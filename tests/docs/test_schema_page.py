"""docs/schema.md says what is in the database, and its statements run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from models.bulk import upsert_rollups
from models.database import TABLES, Database, open_database
from models.directory import SeriesDirectory, SeriesFacts
from models.migrate import Migrations
from models.queries import ledger
from models.queries.ledger import Entry
from models.rollup import RollupHour
from scripts.pages import schema
from tests.models.rows import columns, row

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs" / "schema.md").read_text(encoding="utf-8")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    Migrations(database).up()
    yield database
    database.close()


def test_every_column_says_what_it_means() -> None:
    silent = [
        f"{table.__name__}.{field.name}"
        for table in TABLES
        for field in table._meta.sorted_fields
        if not str(field.help_text).endswith(".")
    ]
    assert silent == []


def test_tables_of_one_shape_share_a_section() -> None:
    heads = re.findall(r"^### (.*)$", schema.tables(), re.MULTILINE)
    assert heads == [
        "`series`",
        "`rollup_minute`, `rollup_hour`, `rollup_day`",
        "`rollup_local_day`",
        "`calendars`",
        "`layouts`",
        "`ledger`",
        "`error_events`",
        "`buffer`",
        "`api_keys`",
        "`restatements`",
        "`corrections`",
        "`verifications`",
        "`retained`",
        "`backfills`",
        "`destinations`",
        "`tags`",
        "`destination_tags`",
        "`jobs`",
        "`job_destinations`",
        "`job_tags`",
        "`modules`, `maintenance`",
        "`agents`",
        "`probe_runs`",
        "`probe_results`",
        "`routes`",
        "`certificates`",
        "`probe_tests`",
        "`probe_views`",
        "`probe_spans`",
        "`probe_hours`",
    ]


def test_the_columns_of_the_views_are_listed(db: Database) -> None:
    section = PAGE.split("## Views for people")[1].split("## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    for view in ("minutes", "hours", "days"):
        cursor = db.execute_sql(f"SELECT * FROM {view}")
        assert listed == [column[0] for column in cursor.description]
    cursor = db.execute_sql("SELECT * FROM local_days")
    more = {"calendar", "day", "until"}
    assert {*listed} | more == {column[0] for column in cursor.description}


def test_the_statements_run(db: Database) -> None:
    directory = SeriesDirectory(db)
    fact = SeriesFacts("node_load1", '{"instance":"a:9105"}', kind="gauge")
    (number,) = directory.resolve("local", [fact], 0).tolist()
    rows = [
        row(number, 0, count=1, sum=9.0),
        row(number, 3600, count=3, sum=3.0),
    ]
    upsert_rollups(db, RollupHour, columns(rows))
    ledger.record(db, Entry("local", "hour", 0, "lost", reason="gone"))
    statements = re.findall(r"```sql\n(.*?);\n```", PAGE, re.DOTALL)
    found = [db.execute_sql(one).fetchall() for one in statements]
    lost = [("local", "hour", "lost", "gone", 1)]
    assert found == [[], [(3.0,)], [], [], [], lost]
