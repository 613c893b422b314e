from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from models import archive
from models.archive import ArchiveError, Content
from models.database import open_database
from models.migrate import PACKAGED, Migrations
from tests.bridge.history import DAY, HOUR, History, counter

if TYPE_CHECKING:
    from pathlib import Path

    from models.database import Database

BEGIN = 1_700_006_400  # the start of a day
END = BEGIN + 2 * 86400


@pytest.fixture
def ids(db: Database) -> list[int]:
    """Three series of two sources: two with hours in the span, one without."""
    history = History(db)
    a = history.series("a_total", {"job": "x"}, kind="counter")
    b = history.series("b_total", {"ü": "😀"}, kind="counter", source="other")
    old = history.series("old_total", kind="counter")
    for number, name in ((a, "local"), (b, "other")):
        hours = range(BEGIN - 3600, END + 3600, 3600)
        history.rows(HOUR, number, {start: counter(start % 7 / 3) for start in hours})
        history.rows(DAY, number, {BEGIN: counter(5.0), BEGIN + 86400: counter(7.0)})
        history.mark(HOUR, hours, source=name)
        history.mark(DAY, [BEGIN, BEGIN + 86400], source=name)
    history.rows(HOUR, old, {BEGIN - 3600: counter(1.0)})
    return [a, b, old]


def made(db: Database, path: Path, ids: list[int], **notes: str) -> dict[str, str]:
    content = Content(BEGIN, END, ("hour", "day"), ids)
    return archive.write(db, path, content, notes, lambda _: None)


def test_an_archive_holds_what_belongs_to_its_span(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    path = tmp_path / "year.db"
    told = made(db, path, ids, made_at="now")
    with archive.opened(path) as found:
        assert archive.read_notes(found) == told
        assert archive.verify(found) == told["checksum"]
    assert told["made_at"] == "now"
    assert told["column rollup_hour.increase"].startswith("How much a counter rose")
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute(
            "SELECT source, metric, labels, COUNT(*), MIN(start), MAX(start) "
            "FROM hours GROUP BY 1, 2, 3 ORDER BY 2"
        ).fetchall() == [
            ("local", "a_total", '{"job":"x"}', 48, BEGIN, END - 3600),
            ("other", "b_total", '{"ü":"😀"}', 48, BEGIN, END - 3600),
        ]
        assert plain.execute("SELECT SUM(increase) FROM days").fetchone() == (24.0,)
        ledger = "SELECT resolution, COUNT(*) FROM ledger GROUP BY 1"
        assert plain.execute(ledger).fetchall() == [("day", 4), ("hour", 96)]
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [one.name for one in tmp_path.iterdir() if "year" in one.name] == ["year.db"]


def test_archives_of_the_same_data_have_the_same_checksum(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    one = made(db, tmp_path / "1.db", ids, made_at="today")
    two = made(db, tmp_path / "2.db", ids[::-1], made_at="tomorrow")
    assert one["checksum"] == two["checksum"]
    db.execute_sql(
        f"UPDATE rollup_hour SET increase = 9 WHERE start = {BEGIN} "
        f"AND series_id = {ids[0]}"
    )
    three = made(db, tmp_path / "3.db", ids)
    assert three["checksum"] != one["checksum"]


def test_an_archive_is_never_overwritten(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    path = tmp_path / "year.db"
    path.write_text("precious")
    with pytest.raises(ArchiveError, match="is there already"):
        made(db, path, ids)
    assert path.read_text() == "precious"


def test_what_could_not_be_finished_leaves_nothing(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    def fail(series: int) -> None:
        if series:
            raise KeyError(series)

    there = {one.name for one in tmp_path.iterdir()}
    content = Content(BEGIN, END, ("hour",), ids)
    with pytest.raises(KeyError):
        archive.write(db, tmp_path / "year.db", content, {}, fail)
    assert {one.name for one in tmp_path.iterdir()} == there


def test_an_archive_that_was_changed_is_found_out(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    path = tmp_path / "year.db"
    made(db, path, ids)
    with closing(sqlite3.connect(path)) as plain, plain:
        plain.execute("UPDATE rollup_day SET increase = 1000")
    with (
        archive.opened(path) as found,
        pytest.raises(ArchiveError, match="the archive was changed"),
    ):
        archive.verify(found)


def test_an_archive_is_only_read(db: Database, tmp_path: Path, ids: list[int]) -> None:
    path = tmp_path / "year.db"
    made(db, path, ids)
    path.chmod(0o400)
    before = path.read_bytes()
    with archive.opened(path) as found, pytest.raises(Exception, match="readonly"):
        found.execute_sql("DELETE FROM series")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no file"),
        (b"not a database, but long enough for one" * 99, "cannot be read"),
        (b"", "is no archive"),
    ],
)
def test_what_is_no_archive_is_said_to_be_none(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "x.db"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ArchiveError, match=said), archive.opened(path):
        pass


def test_an_archive_of_an_older_version_is_brought_up_to_date_in_a_copy(
    tmp_path: Path,
) -> None:
    path = tmp_path / "old.db"
    first = min(PACKAGED.glob("0001*.py"))
    directory = tmp_path / "migrations"
    directory.mkdir()
    (directory / first.name).write_bytes(first.read_bytes())
    db = open_database(f"sqlite:///{path}")
    Migrations(db, directory).up()
    db.execute_sql("CREATE TABLE notes (name TEXT, value TEXT)")
    db.execute_sql("PRAGMA journal_mode = delete")
    db.close()
    before = path.read_bytes()
    with archive.opened(path) as found:
        assert Migrations(found).pending() == []
    assert path.read_bytes() == before


def test_an_archive_that_another_process_writes_is_left_to_it(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    path = tmp_path / "year.db"

    def meanwhile(done: int) -> None:
        if not done:
            with pytest.raises(ArchiveError, match="is being written"):
                made(db, path, ids)

    content = Content(BEGIN, END, ("hour", "day"), ids)
    told = archive.write(db, path, content, {}, meanwhile)
    with archive.opened(path) as found:
        assert archive.verify(found) == told["checksum"]
    assert [one.name for one in tmp_path.iterdir() if "year" in one.name] == ["year.db"]


def test_a_directory_that_is_not_there_is_told(
    db: Database, tmp_path: Path, ids: list[int]
) -> None:
    with pytest.raises(ArchiveError, match="cannot be written: No such file"):
        made(db, tmp_path / "no" / "year.db", ids)
