"""Many rows at once arrive as they are, replace what was there, and are alike."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.base import table_name
from models.bulk import delete_window, upsert_rollups
from models.database import Database, DatabaseUnavailable, open_database
from models.migrate import Migrations
from models.rollup import COLUMNS, Rollup, RollupDay, RollupHour, RollupMinute
from tests.models.rows import as_stored, columns, generated, row, stored

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

TABLES = (RollupMinute, RollupHour, RollupDay)
ROWS = generated(
    st.integers(1, 6) | st.integers(1, 2**62),
    st.integers(-3, 3).map(lambda number: number * 60) | st.integers(0, 2**40),
)
SPECIAL = [
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    1.7976931348623157e308,
    0.1 + 0.2,
    2.0**53,
    2.0**53 + 2,
    -(2.0**63),
    1e18,
    np.inf,
    -np.inf,
    np.nan,
]


@pytest.fixture
def both(tmp_path: Path, postgres: PostgresServer) -> Iterator[list[Database]]:
    """A database of each engine at the same time."""
    name = postgres.new_database()
    urls = (f"sqlite:///{tmp_path}/epimetheus.db", postgres.url(name))
    databases = [open_database(url) for url in urls]
    for database in databases:
        Migrations(database).up()
    yield databases
    for database in databases:
        database.close()
    postgres.drop_database(name)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.rule(14)
def test_both_engines_hold_the_same_bits(
    both: list[Database], table: type[Rollup]
) -> None:
    floats = ("sum", "min", "max", "first", "last", "increase")
    rows = [
        row(number, 60, count=4)
        | {
            name: SPECIAL[(number + place) % len(SPECIAL)]
            for place, name in enumerate(floats)
        }
        for number in range(len(SPECIAL))
    ]
    rows.append(row(2**62, 2**40, count=2**62, resets=2**31 - 1, flags=2**31 - 1))
    found = []
    for db in both:
        assert upsert_rollups(db, table, columns(rows)) == len(rows)
        found.append(stored(db, table_name(table)))
    assert found == [as_stored(rows)] * 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(batches=st.lists(ROWS, max_size=3))
@pytest.mark.rule(71)
def test_the_newest_batch_wins_and_writing_twice_is_writing_once(
    both: list[Database], batches: list[list[dict[str, float]]]
) -> None:
    wanted = as_stored([one for batch in batches for one in batch])
    for db in both:
        db.execute_sql("DELETE FROM rollup_minute")
        for batch in batches:
            for _ in range(2):
                assert upsert_rollups(db, RollupMinute, columns(batch)) == len(batch)
        assert stored(db, "rollup_minute") == wanted


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 1000, 1001])
@pytest.mark.parametrize("table", TABLES)
def test_batches_of_any_length_are_written_whole_and_in_any_order(
    db: Database, table: type[Rollup], count: int
) -> None:
    rows = [row(number, 3600 * (number % 7), sum=number / 3) for number in range(count)]
    order = np.random.default_rng(count).permutation(count)
    written = upsert_rollups(db, table, columns(rows[place] for place in order))
    assert written == count
    assert stored(db, table_name(table)) == as_stored(rows)


def test_a_row_that_is_replaced_loses_its_buckets(db: Database) -> None:
    db.execute_sql(
        "INSERT INTO rollup_hour (series_id, start, count, buckets) "
        f"VALUES (1, 0, 1, {db.param})",
        (b"packed",),
    )
    upsert_rollups(db, RollupHour, columns([row(1, 0, count=2)]))
    assert stored(db, "rollup_hour") == as_stored([row(1, 0, count=2)])


def test_rows_leave_with_the_transaction_that_wrote_them(db: Database) -> None:
    kept = [row(1, 0, count=1)]
    upsert_rollups(db, RollupMinute, columns(kept))
    with db.atomic() as transaction:
        upsert_rollups(db, RollupMinute, columns([row(1, 0, count=9), row(2, 0)]))
        upsert_rollups(db, RollupMinute, columns([row(3, 0)]))
        transaction.rollback()
    assert stored(db, "rollup_minute") == as_stored(kept)


def test_several_tables_and_batches_share_a_transaction(db: Database) -> None:
    rows = [row(number, 0, count=1) for number in range(3)]
    with db.atomic():
        for _ in range(2):
            for table in TABLES:
                upsert_rollups(db, table, columns(rows))
    for table in TABLES:
        assert stored(db, table_name(table)) == as_stored(rows)


@pytest.mark.rule(71)
def test_two_writers_of_the_same_window_end_with_it_once(
    migrated_url: str, db: Database
) -> None:
    rows = [row(number, 60, sum=number / 3, count=4) for number in range(1500)]
    barrier = threading.Barrier(2)
    written: list[int] = []

    def work() -> None:
        mine = open_database(migrated_url)
        barrier.wait()
        for _ in range(5):
            with mine.atomic():
                written.append(upsert_rollups(mine, RollupMinute, columns(rows)))
        mine.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written == [1500] * 10
    assert stored(db, "rollup_minute") == as_stored(rows)


@pytest.mark.parametrize("table", TABLES)
def test_what_a_redo_no_longer_holds_is_deleted(
    db: Database, table: type[Rollup]
) -> None:
    rows = [row(number, start) for number in range(5) for start in (0, 86400)]
    upsert_rollups(db, table, columns(rows))
    gone = np.array([1, 3, 77])
    assert delete_window(db, table, 86400, gone) == 2
    assert delete_window(db, table, 86400, gone) == 0
    assert delete_window(db, table, 86400, np.array([], dtype=np.int64)) == 0
    left = [
        one
        for one in rows
        if (one["series_id"], one["start"]) not in {(1, 86400), (3, 86400)}
    ]
    assert stored(db, table_name(table)) == as_stored(left)


def test_a_connection_that_is_lost_while_rows_are_sent_is_told(
    postgres: PostgresServer,
) -> None:
    name = postgres.new_database()
    db = open_database(postgres.url(name))
    Migrations(db).up()

    def write() -> None:
        with db.atomic():
            (number,) = db.execute_sql("SELECT pg_backend_pid()").fetchone()
            postgres.execute(f"SELECT pg_terminate_backend({number}, 10000)")
            db.copy_in("COPY rollup_minute FROM STDIN", b"")  # type: ignore[attr-defined]  # PostgreSQL

    with pytest.raises(DatabaseUnavailable) as caught:
        write()
    assert caught.value.reason == "lost"
    assert upsert_rollups(db, RollupMinute, columns([row(1, 0)])) == 1
    with pytest.raises(Exception, match="COPY file signature not recognized"):
        db.copy_in("COPY rollup_minute FROM STDIN (FORMAT BINARY)", b"x" * 40)  # type: ignore[attr-defined]  # PostgreSQL
    assert stored(db, "rollup_minute") == as_stored([row(1, 0)])
    db.close()
    postgres.drop_database(name)


def test_statements_are_few(db: Database) -> None:
    events: list[object] = []
    rows = columns(row(number, 60) for number in range(5000))
    db.query_hooks.append(events.append)
    upsert_rollups(db, RollupMinute, rows)
    assert len(events) <= 10


def test_columns_are_those_that_rows_have() -> None:
    fields = tuple(field.column_name for field in RollupMinute._meta.sorted_fields)
    assert fields == COLUMNS
