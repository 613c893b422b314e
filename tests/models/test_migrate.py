"""What becomes of a database that is migrated, on both engines."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from models.database import Database, open_database
from models.dialect import is_sqlite
from models.migrate import PACKAGED, Applied, MigrationError, Migrations
from tests.models.schema_dump import schema

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE first (number INTEGER)")

def down(migrator, db):
    db.execute_sql("DROP TABLE first")
"""
SECOND = FIRST.replace("first", "second")
BROKEN = """
def up(migrator, db):
    db.execute_sql("CREATE TABLE half (number INTEGER)")
    db.execute_sql("INSERT INTO half VALUES (1)")
    db.execute_sql("CREATE TABLE first (number INTEGER)")
"""
UP = """
import sys
from models.database import open_database
from models.migrate import Migrations
db = open_database(sys.argv[1])
print(Migrations(db).up())
db.close()
"""


@pytest.fixture
def empty(database_url: str) -> Iterator[Database]:
    database = open_database(database_url)
    yield database
    database.close()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "migrations"
    found.mkdir()
    (found / "0001_first.py").write_text(FIRST)
    (found / "0002_second.py").write_text(SECOND)
    return found


def test_pending_migrations_are_applied_in_order_and_remembered(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    assert migrations.applied() == []
    assert migrations.pending() == ["0001_first", "0002_second"]
    assert migrations.up() == ["0001_first", "0002_second"]
    assert migrations.pending() == []
    assert migrations.up() == []
    names = [row.name for row in migrations.applied()]
    assert names == ["0001_first", "0002_second"]
    assert empty.get_tables()[:2] == ["first", "schema_migrations"]


def test_when_a_migration_was_applied_is_kept_in_utc(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    applied = migrations.applied()[0]
    assert isinstance(applied, Applied)
    age = datetime.now(UTC).replace(tzinfo=None) - applied.applied_at
    assert timedelta(0) <= age < timedelta(minutes=5)


def test_nothing_is_written_by_looking(empty: Database, directory: Path) -> None:
    before = schema(empty)
    Migrations(empty, directory).pending()
    assert schema(empty) == before == []


def test_a_migration_that_fails_leaves_nothing_behind(
    empty: Database, directory: Path
) -> None:
    (directory / "0002_second.py").write_text(BROKEN)
    (directory / "0003_third.py").write_text(FIRST.replace("first", "third"))
    migrations = Migrations(empty, directory)
    with pytest.raises(MigrationError, match="0002_second failed and left nothing"):
        migrations.up()
    assert [row.name for row in migrations.applied()] == ["0001_first"]
    assert empty.get_tables() == ["first", "schema_migrations"]
    (directory / "0002_second.py").write_text(SECOND)
    assert migrations.up() == ["0002_second", "0003_third"]


def test_a_migration_without_up_is_refused(empty: Database, directory: Path) -> None:
    (directory / "0002_second.py").write_text("")
    with pytest.raises(MigrationError, match=r"0002_second .* does not define up"):
        Migrations(empty, directory).up()


def test_an_edited_migration_is_refused_by_name(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    (directory / "0001_first.py").write_text(f"{FIRST}\n# better\n")
    for act in (migrations.pending, migrations.up, lambda: migrations.down("0001")):
        with pytest.raises(MigrationError) as caught:
            act()
        assert str(caught.value) == (
            "the migration 0001_first was edited after this database had applied it: "
            "restore the file as it was released and write the change as a new "
            "migration"
        )


def test_line_endings_are_no_edits(empty: Database, directory: Path) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    (directory / "0001_first.py").write_bytes(FIRST.replace("\n", "\r\n").encode())
    assert migrations.pending() == []


def test_a_database_of_a_newer_version_is_refused(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    (directory / "0002_second.py").unlink()
    with pytest.raises(MigrationError, match=r"0002_second, which this version"):
        migrations.pending()


@pytest.mark.parametrize("to", ["0001", "0001_first"])
def test_down_reverts_what_came_after(
    empty: Database, directory: Path, to: str
) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    assert migrations.down(to) == ["0002_second"]
    assert migrations.pending() == ["0002_second"]
    assert empty.get_tables() == ["first", "schema_migrations"]


def test_down_to_nothing_and_up_again(empty: Database, directory: Path) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    before = schema(empty)
    assert migrations.down("0000") == ["0002_second", "0001_first"]
    assert empty.get_tables() == ["schema_migrations"]
    assert migrations.up() == ["0001_first", "0002_second"]
    assert schema(empty) == before


def test_down_to_what_was_not_applied_is_refused(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    migrations.up()
    with pytest.raises(MigrationError, match="'0007' is not an applied migration; app"):
        migrations.down("0007")
    assert migrations.pending() == []


def test_a_migration_without_down_stays(empty: Database, directory: Path) -> None:
    (directory / "0002_second.py").write_text(SECOND.split("def down")[0])
    migrations = Migrations(empty, directory)
    migrations.up()
    with pytest.raises(MigrationError, match=r"0002_second .* does not define down"):
        migrations.down("0000")
    assert migrations.pending() == []


def test_at_start_pending_migrations_are_applied_or_refused(
    empty: Database, directory: Path
) -> None:
    migrations = Migrations(empty, directory)
    with pytest.raises(MigrationError) as caught:
        migrations.prepare(apply=False)
    assert str(caught.value) == (
        "migrations are pending: 0001_first, 0002_second; run `epimetheus migrate up`, "
        "or set database.migrate_at_start to true"
    )
    assert migrations.prepare(apply=True) == ["0001_first", "0002_second"]
    assert migrations.prepare(apply=False) == []


def test_two_processes_that_migrate_at_once_apply_each_migration_once(
    database_url: str,
) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", UP, database_url],
            cwd=PACKAGED.parent.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = sorted(process.communicate()[0].strip() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    every = [path.stem for path in sorted(PACKAGED.glob("[0-9]*.py"))]
    assert said == sorted(["[]", repr(every)])


def test_waiting_for_another_process_that_migrates_ends(
    empty: Database, directory: Path, database_url: str
) -> None:
    naps: list[float] = []
    migrations = Migrations(empty, directory, wait_seconds=1.0, sleep=naps.append)
    other = open_database(database_url)
    if is_sqlite(empty):
        with open(f"{empty.database}.migrating", "w") as held:  # noqa: PTH123 - its fd
            fcntl.flock(held, fcntl.LOCK_EX)
            with pytest.raises(MigrationError, match="another process has been migra"):
                migrations.up()
    else:
        with (
            Migrations(other, directory)._locked(),
            pytest.raises(MigrationError, match="another process has been migrating"),
        ):
            migrations.up()
    other.close()
    assert sum(naps) == pytest.approx(1.0)
    assert migrations.up() == ["0001_first", "0002_second"]


def test_a_failure_lets_go_of_the_lock(empty: Database, directory: Path) -> None:
    (directory / "0001_first.py").write_text(BROKEN.replace("first", "half"))
    migrations = Migrations(empty, directory, wait_seconds=0, sleep=lambda _: None)
    for _ in range(2):
        with pytest.raises(MigrationError, match="0001_first failed"):
            migrations.up()


def test_a_database_that_cannot_be_used_is_said_as_such(directory: Path) -> None:
    db = open_database("postgresql://someone@127.0.0.1:1/metrics")
    with pytest.raises(Exception, match="does not answer"):
        Migrations(db, directory).up()
