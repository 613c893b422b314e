from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from models.checksums import compare
from models.database import open_database
from models.directory import SeriesDirectory, SeriesFacts
from models.migrate import Migrations
from models.move import MoveRefused, Target, copy_table, is_unfinished, shapes
from models.pages import count_rows, snapshot
from models.partitions import DAY, listed
from tests.models.everything import contents, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from models.database import Database
    from tests.postgres import PostgresServer

ROWS = 25


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database that nothing was done with."""
    if request.param == "sqlite":
        database = open_database(f"sqlite:///{tmp_path}/new/other.db")
        yield database
        database.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    name = server.new_database()
    database = open_database(server.url(name))
    yield database
    database.close()
    server.drop_database(name)


def move(db: Database, target: Target, size: int = 7) -> None:
    with snapshot(db):
        for table in shapes():
            copy_table(db, target, table, lambda _: None, size)


def test_all_tables_are_moved_to_the_last_bit(db: Database, other: Database) -> None:
    fill(db, ROWS)
    target = Target(other, "here")
    target.prepare(resume=False)
    assert is_unfinished(other)
    move(db, target)
    assert contents(other) == contents(db)
    with snapshot(db), snapshot(other):
        found = [compare(db, other, one, lambda _: None, 7) for one in shapes()]
    assert [(one.rows, one.difference) for one in found] == [(ROWS, "")] * len(found)
    target.finish()
    assert not is_unfinished(other)


class KilledError(Exception):
    pass


@pytest.mark.parametrize("pages", range(1, 45, 6))
def test_a_move_that_was_killed_goes_on(
    db: Database, other: Database, pages: int
) -> None:
    fill(db, ROWS)
    target = Target(other, "here")
    target.prepare(resume=False)
    left = pages

    def killed_after_some(_: int) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KilledError

    def until_killed() -> None:
        with snapshot(db):
            for table in shapes():
                copy_table(db, target, table, killed_after_some, 7)

    with pytest.raises(KilledError):
        until_killed()
    with pytest.raises(MoveRefused, match="--resume goes on with it"):
        Target(other, "here").prepare(resume=False)
    with pytest.raises(MoveRefused, match="part of a move from here, not from there"):
        Target(other, "there").prepare(resume=True)
    Target(other, "here").prepare(resume=True)
    move(db, target)
    assert contents(other) == contents(db)


def test_a_target_that_holds_something_is_refused(
    db: Database, other: Database
) -> None:
    Migrations(other).up()
    SeriesDirectory(other).resolve("main", [SeriesFacts("up", "{}")], 0)
    with pytest.raises(MoveRefused, match="not empty, it has rows in series"):
        Target(other, "here").prepare(resume=False)


def test_ids_are_not_given_again_after_a_move(db: Database, other: Database) -> None:
    facts = [SeriesFacts(name, "{}") for name in "abc"]
    SeriesDirectory(db).resolve("main", facts, 0)
    db.execute_sql("DELETE FROM series WHERE metric = 'c'")
    target = Target(other, "here")
    target.prepare(resume=False)
    move(db, target)
    target.finish()
    ids = SeriesDirectory(other).resolve("main", [SeriesFacts("d", "{}")], 0)
    assert ids.tolist() == [4]


def test_progress_counts_what_was_there_before(db: Database, other: Database) -> None:
    fill(db, ROWS)
    target = Target(other, "here")
    target.prepare(resume=False)
    table = shapes()[0]
    heard: list[int] = []
    with snapshot(db):
        copy_table(db, target, table, heard.append, 10)
        copy_table(db, target, table, heard.append, 10)
    assert heard == [0, 10, 20, 25, 25]
    assert count_rows(other, table) == 25


def test_minutes_come_into_the_partitions_of_their_days(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    source = open_database(f"sqlite:///{tmp_path}/minutes.db")
    Migrations(source).up()
    days = [20_000 * DAY, 20_001 * DAY]
    source.execute_sql(
        'INSERT INTO rollup_minute (series_id, start, "count") '
        "VALUES (1, ?, 1), (1, ?, 1)",
        days,
    )
    name = postgres.new_database()
    other = open_database(postgres.url(name))
    target = Target(other, "here")
    target.prepare(resume=False)
    move(source, target)
    assert {one.start for one in listed(other)} >= set(days)
    for db in (source, other):
        db.close()
    postgres.drop_database(name)
