from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models import partitions
from models.bulk import upsert_rollups
from models.database import Database, open_database
from models.migrate import PACKAGED, Migrations
from models.queries.previous import last_before
from models.queries.rollups import series_rows, window_rows
from models.rollup import RollupMinute
from tests.models.rows import columns, row, stored
from tests.models.schema_dump import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import PostgresServer

DAY = 86400
STRAYS = 6
"""So many are written without making partitions."""
NOON = 20_000 * DAY + 43_200


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    name = postgres.new_database()
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture
def db(url: str) -> Iterator[Database]:
    database = open_database(url)
    Migrations(database).up()
    yield database
    database.close()


def write(db: Database, *starts: int) -> None:
    with db.atomic():
        if len(starts) < STRAYS:
            for start in starts:
                partitions.make(db, start // DAY * DAY)
        upsert_rollups(
            db, RollupMinute, columns([row(1, start, last=1.0) for start in starts])
        )


def names(db: Database) -> list[str]:
    return [one.name for one in partitions.listed(db)]


def in_default(db: Database) -> int:
    cursor = db.execute_sql("SELECT COUNT(*) FROM ONLY rollup_minute_default")
    return int(cursor.fetchone()[0])


def test_a_write_makes_the_partition_of_its_day(db: Database) -> None:
    write(db, NOON)
    assert partitions.listed(db) == [
        partitions.Partition("rollup_minute_20241004", 20_000 * DAY, 20_001 * DAY)
    ]
    write(db, NOON, NOON + 60, NOON + DAY)
    assert names(db) == ["rollup_minute_20241004", "rollup_minute_20241005"]
    assert in_default(db) == 0


def test_a_day_that_has_rows_in_the_default_partition_gets_them_back(
    db: Database,
) -> None:
    many = [NOON + day * DAY for day in range(6)]
    write(db, *many)
    assert (names(db), in_default(db)) == ([], 6)
    before = stored(db, "rollup_minute")
    write(db, many[0] + 60)
    assert names(db) == ["rollup_minute_20241004"]
    assert in_default(db) == 5
    assert [one for one in stored(db, "rollup_minute") if one in before] == before


def test_a_day_with_too_many_strays_stays_in_the_default_partition(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(db, *[NOON + day * DAY for day in range(6)])
    monkeypatch.setattr(partitions, "_MOVED_AT_ONCE", 0)
    write(db, NOON + 60)
    assert (names(db), in_default(db)) == ([], 7)


def test_times_without_a_date_go_to_the_default_partition(db: Database) -> None:
    write(db, -DAY, 2**60 // DAY * DAY)
    assert (names(db), in_default(db)) == ([], 2)


def test_a_reader_of_the_default_partition_holds_up_no_write(
    db: Database, url: str
) -> None:
    reader = open_database(url)
    with reader.atomic():
        reader.execute_sql("SELECT * FROM rollup_minute_default").fetchall()
        write(db, NOON)
    assert (names(db), in_default(db)) == ([], 1)
    assert db.execute_sql("SHOW lock_timeout").fetchone()[0] == "10s"
    reader.close()
    write(db, NOON + 60)
    assert (len(names(db)), in_default(db)) == (1, 0)


@pytest.mark.rule(71)
def test_r71_two_that_make_the_same_partition_make_it_once(
    db: Database, url: str
) -> None:
    other = open_database(url)
    ready = threading.Barrier(2)

    def make(own: Database) -> None:
        for day in range(5):
            ready.wait()
            write(own, NOON + day * DAY + (60 if own is other else 0))
        own.close()

    threads = [threading.Thread(target=make, args=(own,)) for own in (db, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stored(db, "rollup_minute")) == 10
    assert len(names(db)) == len(set(names(db)))


def test_a_partition_is_dropped_with_its_rows(db: Database, url: str) -> None:
    write(db, NOON, NOON + DAY)
    first = partitions.listed(db)[0]
    reader = open_database(url)
    with reader.atomic():
        reader.execute_sql("SELECT * FROM rollup_minute").fetchall()
        assert partitions.drop(db, first) is False
    reader.close()
    assert partitions.drop(db, first) is True
    assert names(db) == ["rollup_minute_20241005"]
    assert len(stored(db, "rollup_minute")) == 1


def test_other_engines_have_no_partitions(tmp_path: object) -> None:
    sqlite = open_database(f"sqlite:///{tmp_path}/epimetheus.db")
    Migrations(sqlite).up()
    write(sqlite, NOON)
    assert partitions.listed(sqlite) == []
    assert partitions.make(sqlite, 0) is False
    sqlite.close()


def before_partitions(db: Database) -> None:
    migrations = Migrations(db)
    migrations.up()
    migrations.down("0005")


@pytest.mark.rule(74)
def test_r74_the_table_that_was_there_becomes_a_partition_without_a_copy(
    db: Database, postgres: PostgresServer
) -> None:
    before_partitions(db)
    db.execute_sql("CREATE ROLE grafana")
    for name in ("rollup_minute", "minutes"):
        db.execute_sql(f"GRANT SELECT ON {name} TO grafana")
    write_plain(db, NOON, NOON + 60)
    rows = stored(db, "rollup_minute")
    file = "SELECT pg_relation_filenode('{}'), pg_relation_filenode('{}_pkey')"
    files = db.execute_sql(file.format(*["rollup_minute"] * 2)).fetchone()
    plain = schema(db)
    Migrations(db).up()
    assert db.execute_sql(file.format(*["rollup_minute_before"] * 2)).fetchone() == (
        files
    )
    assert partitions.listed(db) == [
        partitions.Partition("rollup_minute_before", None, 20_001 * DAY)
    ]
    write(db, NOON + 120, NOON + DAY)
    assert names(db) == ["rollup_minute_before", "rollup_minute_20241005"]
    assert in_default(db) == 0
    for name in ("rollup_minute", "minutes"):
        sql = f"SELECT has_table_privilege('grafana', '{name}', 'SELECT')"
        assert db.execute_sql(sql).fetchone() == (True,)
    everything = stored(db, "rollup_minute")
    assert everything[:2] == rows
    Migrations(db).down("0005")
    assert stored(db, "rollup_minute") == everything
    assert schema(db) == plain
    for name in ("rollup_minute", "minutes"):
        db.execute_sql(f"REVOKE ALL ON {name} FROM grafana")
    db.execute_sql("DROP ROLE grafana")


def write_plain(db: Database, *starts: int) -> None:
    for start in starts:
        db.execute_sql(
            "INSERT INTO rollup_minute (series_id, start, count) VALUES (1, %s, 4)",
            (start,),
        )


def test_questions_read_only_the_partitions_of_their_time(db: Database) -> None:
    starts = [NOON + day * DAY for day in range(4)]
    for start in starts:
        write(db, start)
    db.execute_sql("ANALYZE rollup_minute")
    found = window_rows(db, RollupMinute, starts[1], "local")
    assert len(found) in {0, 1}
    ids = np.array([1], dtype=np.int64)
    rows = series_rows(db, RollupMinute, ids, starts[0], starts[3] + 60)
    assert rows.start.tolist() == starts
    assert len(last_before(db, ids, starts[3]).values) == 1
    plan = db.execute_sql(
        "EXPLAIN SELECT * FROM rollup_minute WHERE start = %s", (starts[1],)
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "rollup_minute_20241005" in text
    assert "rollup_minute_20241004" not in text


def test_explicit_starts_touch_one_partition_each_when_they_run(db: Database) -> None:
    for day in range(4):
        write(db, NOON + day * DAY)
    plan = db.execute_sql(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "
        "SELECT r.last FROM unnest(%s::bigint[]) AS starts(value) "
        "CROSS JOIN rollup_minute r WHERE r.start = starts.value AND r.series_id = 1",
        ("{" + str(NOON) + "}",),
    ).fetchall()
    touched = [line for (line,) in plan if "rollup_minute_2024" in line]
    assert sum("never executed" not in line for line in touched) <= 1 or all(
        "rows=0" not in line for line in touched
    )


def test_the_migration_says_what_citus_needs_first() -> None:
    assert "undistribute_table" in (PACKAGED / "0006_partitions.py").read_text()
